import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { answer } from '../environment/answer.ts';
import type { Platform } from '../platform/platform.ts';
import { planPrune, pruneBackups } from './backup.ts';

const inputs = z.strictObject({
  'dry-run': z.boolean().prefault(false).meta({ description: 'Only tell what would be removed' }),
});

const PruneRecord = z.looseObject({
  plan: z.array(z.looseObject({ id: z.string(), remove: z.boolean(), reasons: z.array(z.string()) })),
});

/** Removes backups by `backup.keep`. */
export const backupPrune: Action<typeof inputs, Configuration, Platform> = {
  name: 'backup prune',
  summary: 'remove old backups by backup.keep; never one that a release may need, nor the newest proven one',
  group: 'State',
  settings: 'configuration',
  inputs,
  examples: ['backup prune --dry-run'],
  reasons: ['pruned', 'planned', 'nothing-to-remove'],
  run: ({ inputs: { 'dry-run': dryRun }, settings }, platform) =>
    answer('backup prune', settings, platform, { create: false }, async (environment) => {
      const plan = await planPrune(environment);
      const going = plan.filter(({ remove }) => remove);
      if (!dryRun) await pruneBackups(environment);
      const { last, daily, weekly } = settings.backup.keep;
      const policy = `keep: last ${last}, daily ${daily}, weekly ${weekly}`;
      const verb = dryRun ? 'would be removed' : 'were removed';
      return {
        reason: going.length === 0 ? 'nothing-to-remove' : dryRun ? 'planned' : 'pruned',
        summary: `${going.length} of ${plan.length} backups ${verb} (${policy})`,
        record: { plan, dryRun },
      };
    }),
  present(report) {
    const plan = PruneRecord.safeParse(report.record).data?.plan ?? [];
    if (plan.length === 0) return [];
    const rows = plan.map(({ id, remove, reasons }) => [id, remove ? 'goes' : 'stays', reasons.join(', ')]);
    return [{ kind: 'table', columns: ['backup', '', 'because of'], rows }];
  },
};
