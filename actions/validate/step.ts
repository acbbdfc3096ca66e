import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { leaseInput } from '../../src/pipeline/step.ts';
import { validateForRelease } from '../../src/pipeline/validate-step.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { validateAction } from '../../src/validate/command.ts';

const inputs = z.strictObject({ lease: leaseInput });

/** Every check of what is live: by itself, or as a step of a job that releases. */
export const validateStep: Action<typeof inputs, Configuration, Platform> = {
  ...validateAction,
  inputs,
  run: ({ inputs: { lease }, settings }, platform) =>
    lease === 'keep' ? validateForRelease(settings, platform) : validateAction.run({ inputs: {}, settings }, platform),
};
