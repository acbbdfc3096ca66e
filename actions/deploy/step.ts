import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { readHandover } from '../../src/core/handover.ts';
import { deployAlone } from '../../src/pipeline/deploy-step.ts';
import { leaseInput } from '../../src/pipeline/step.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { deployAction } from './action.ts';

const inputs = z.strictObject({
  ...deployAction.inputs.shape,
  net: z.string().optional().meta({
    description: 'The output `record` of the step `backup`: the backup to fall back on, or why there is none',
  }),
  lease: leaseInput,
});

/** A version made live: by itself, or as a step of a job that releases. */
export const deployStep: Action<typeof inputs, Configuration, Platform> = {
  ...deployAction,
  inputs,
  run: ({ inputs: { version, service, backup, 'without-proof': withoutProof, net, lease }, settings }, platform) =>
    deployAlone({ version, service, backup, withoutProof, net: readHandover(net, 'net'), lease }, settings, platform),
};
