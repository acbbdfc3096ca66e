import { z } from 'zod';
import { authorizeAction } from '../../src/authorize/command.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { readHandover } from '../../src/core/handover.ts';
import { ADMIT_REASONS, admit } from '../../src/pipeline/admit.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  for: z.enum(['release', 'rollback', 'hold']).prefault('release').meta({ description: 'What is asked for' }),
  'without-proof': z
    .string()
    .min(3)
    .optional()
    .meta({ description: 'Why the release would go on without a proven backup (role approver)' }),
  built: z.string().optional().meta({
    description: 'The output `record` of the action `build`: its artifact is the only one that may be deployed',
  }),
  artifact: z.string().optional().meta({
    description: 'The name of an artifact of this run that is deployed in place of a build',
  }),
  'secrets-for-recovery': z.boolean().prefault(true).meta({
    description: 'Whether the job that would recover from this run is given secrets',
  }),
});

/** Who asks, and may they: the first step of every workflow, and once more in the job that changes something. */
export const authorizeStep: Action<typeof inputs, Configuration, Platform> = {
  ...authorizeAction,
  summary: 'whether who asks may do this now, and what later jobs of the workflow are held to',
  inputs,
  reasons: ADMIT_REASONS,
  run({ inputs, settings }, platform) {
    const request = {
      action: inputs.for,
      withoutProof: inputs['without-proof'],
      built: readHandover(inputs.built, 'built'),
      artifact: inputs.artifact,
      hasSecretsForRecovery: inputs['secrets-for-recovery'],
    };
    return admit(request, settings, platform);
  },
};
