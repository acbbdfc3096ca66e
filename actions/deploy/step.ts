import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { readHandover } from '../../src/core/handover.ts';
import { artifactIn } from '../../src/deploy/recorded-artifact.ts';
import { deployAlone } from '../../src/pipeline/deploy-step.ts';
import { leaseInput } from '../../src/pipeline/step.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { deployAction } from './action.ts';

const inputs = z.strictObject({
  ...deployAction.inputs.shape,
  net: z.string().optional().meta({
    description: 'The output `record` of the step `backup`: the backup to fall back on, or why there is none',
  }),
  built: z.string().optional().meta({
    description:
      'The output `record` of the action `build`: what it kept is deployed, and nothing is built here. What `admitted` holds comes first',
  }),
  lease: leaseInput,
});

/** A version made live: by itself, or as a step of a job that releases. */
export const deployStep: Action<typeof inputs, Configuration, Platform> = {
  ...deployAction,
  inputs,
  run({ inputs, settings }, platform) {
    const { version, service, backup, lease } = inputs;
    const { workflow } = platform;
    const request = {
      ...{ version, service, backup, lease },
      withoutProof: inputs['without-proof'],
      net: readHandover(inputs.net, 'net'),
      artifact: workflow?.admission?.artifact ?? artifactIn(readHandover(inputs.built, 'built')),
    };
    return deployAlone(request, settings, platform);
  },
};
