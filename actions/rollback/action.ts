import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { withAlert } from '../../src/pipeline/alerting.ts';
import { ROLLBACK_REASONS, rollback } from '../../src/pipeline/rollback.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  to: z
    .string()
    .optional()
    .meta({ description: 'A good release, by id or version; the last good one by default', placeholder: 'RELEASE' }),
  data: z
    .enum(['restore', 'keep'])
    .optional()
    .meta({ description: 'What becomes of the data; by backup.on_rollback by default' }),
  reason: z.string().min(1).max(500).optional().meta({ description: 'Why, for the record', placeholder: 'TEXT' }),
  hold: z.boolean().prefault(false).meta({
    description: 'Take the environment from a release that is at work, and leave a hold that keeps waiting ones out',
  }),
});

/** Back to the last good release, or a named one. */
export const rollbackAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'rollback',
  summary: 'go back to the last good release, or a named one, with its data',
  group: 'Release',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  examples: ['rollback', 'rollback --to v1 --data keep'],
  reasons: ROLLBACK_REASONS,
  async run({ inputs: { to, data, reason, hold }, settings }, platform) {
    return withAlert(await rollback({ to, data, reason, hold }, settings, platform), settings, platform);
  },
};
