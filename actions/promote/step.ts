import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { readHandover } from '../../src/core/handover.ts';
import { promoteAlone } from '../../src/pipeline/promote-step.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { promoteAction } from './action.ts';

const inputs = z.strictObject({
  validated: z.string().optional().meta({
    description: 'The output `record` of the step `validate`: without it everything is looked at once more',
  }),
});

/** The live release marked good: by itself, or as a step of a job that releases. */
export const promoteStep: Action<typeof inputs, Configuration, Platform> = {
  ...promoteAction,
  inputs,
  run: ({ inputs: { validated }, settings }, platform) =>
    promoteAlone({ validated: readHandover(validated, 'validated') }, settings, platform),
};
