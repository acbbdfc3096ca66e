import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { recoverEnvironment } from '../../src/recover/action.ts';
import { recoverAction } from './action.ts';

const inputs = z.strictObject({
  quiet: z.boolean().prefault(false).meta({ description: 'Send no alert: a later job does' }),
});

/** What a killed run began, finished or undone. */
export const recoverStep: Action<typeof inputs, Configuration, Platform> = {
  ...recoverAction,
  inputs,
  run: ({ inputs: { quiet }, settings }, platform) =>
    quiet ? recoverEnvironment(settings, platform) : recoverAction.run({ inputs: {}, settings }, platform),
};
