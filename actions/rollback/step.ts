import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { readSteps } from '../../src/core/handover.ts';
import { rollback } from '../../src/pipeline/rollback.ts';
import { undoUnfinished } from '../../src/pipeline/undo-step.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { rollbackAction } from './action.ts';

const inputs = z.strictObject({
  ...rollbackAction.inputs.shape,
  data: z.enum(['as-configured', 'restore', 'keep']).prefault('as-configured').meta({
    description: 'What becomes of the data; as-configured: by backup.on_rollback',
  }),
  automatic: z.boolean().prefault(false).meta({
    description: 'Only undo what this run of the workflow began and did not finish, and free its lease; needs no role',
  }),
  steps: z.string().prefault('{}').meta({ description: 'Automatic: toJSON(steps), which tells why' }),
  quiet: z.boolean().prefault(false).meta({ description: 'Send no alert: a later job does' }),
});

/** A rollback by hand, or the last step of a job that releases. */
export const rollbackStep: Action<typeof inputs, Configuration, Platform> = {
  ...rollbackAction,
  inputs,
  async run({ inputs: { automatic, steps, quiet, to, data: chosen, reason, hold }, settings }, platform) {
    const data = chosen === 'as-configured' ? undefined : chosen;
    if (automatic) return undoUnfinished(readSteps(steps, 'steps'), settings, platform);
    if (quiet) return rollback({ to, data, reason, hold }, settings, platform);
    return rollbackAction.run({ inputs: { to, data, reason, hold }, settings }, platform);
  },
};
