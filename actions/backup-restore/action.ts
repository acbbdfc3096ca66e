import { z } from 'zod';
import { presentBackup } from '../../src/backup/show.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { withAlert } from '../../src/pipeline/alerting.ts';
import { RESTORE_REASONS, restore } from '../../src/pipeline/restore.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  id: z.string().meta({ description: 'A backup, by its id' }),
  source: z.array(z.string()).prefault([]).meta({
    description: 'This state alone, by its name under `state`; may be given several times',
    placeholder: 'NAME',
  }),
  service: z.string().optional().meta({ description: 'Only the state of this service' }),
  yes: z.boolean().prefault(false).meta({ description: 'What was written since the backup may be lost' }),
});

/** Puts the data back under the live release. */
export const backupRestoreAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'backup restore',
  summary: 'put the state back as it is in a backup, under the release that is live (role restorer)',
  group: 'State',
  settings: 'configuration',
  inputs,
  positional: ['id'],
  examples: ['backup restore b-20261122T101500-4f2a', 'backup restore b-20261122T101500-4f2a --source uploads --yes'],
  reasons: RESTORE_REASONS,
  async run({ inputs: { id, source, service, yes }, settings }, platform) {
    const report = await restore({ backup: id, sources: source, service, yes }, settings, platform);
    return withAlert(report, settings, platform);
  },
  present: presentBackup,
};
