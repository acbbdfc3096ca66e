import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { readHandover } from '../../src/core/handover.ts';
import { checkComplianceAfter, checkComplianceBefore } from '../../src/pipeline/compliance.ts';
import { leaseInput } from '../../src/pipeline/step.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { complianceAction } from './action.ts';

const inputs = z.strictObject({
  phase: z.enum(['before', 'after']).prefault('after').meta({
    description: 'before: what can be judged without secrets and target. after: the live release',
  }),
  validated: z.string().optional().meta({
    description: 'The output `record` of the step `validate`, whose checks are then not asked again',
  }),
  'without-proof': z
    .string()
    .min(3)
    .optional()
    .meta({ description: 'Before: why the release would go on without a proven backup' }),
  lease: leaseInput,
});

/** The controls of the configured frameworks: by itself, or as a step of the jobs of a release. */
export const complianceStep: Action<typeof inputs, Configuration, Platform> = {
  ...complianceAction,
  summary: 'hold a release to the configured frameworks, before it or after it; writes nothing',
  // Before a release nothing is asked that would need one.
  withoutSecrets: true,
  inputs,
  run({ inputs: { phase, validated, 'without-proof': withoutProof, lease }, settings }, platform) {
    if (phase === 'before') return checkComplianceBefore(withoutProof, settings, platform);
    if (lease === 'free') return complianceAction.run({ inputs: {}, settings }, platform);
    return checkComplianceAfter(readHandover(validated, 'validated'), settings, platform);
  },
};
