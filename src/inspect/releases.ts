import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { composeReport } from '../core/report.ts';
import { openEnvironment } from '../environment/environment.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';

const inputs = z.strictObject({});

const Rows = z.looseObject({
  releases: z.array(
    z.looseObject({
      release: z.string(),
      version: z.string(),
      state: z.string(),
      createdAt: z.string(),
      actor: z.string(),
      live: z.boolean(),
      failure: z.string().optional(),
    }),
  ),
});

/** All releases that the target still has, newest first. */
export const releases: Action<typeof inputs, Configuration, Platform> = {
  name: 'releases',
  summary: 'the releases of an environment, newest first',
  group: 'Look',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  reasons: ['listed'],
  async run({ settings }, platform) {
    const startedAt = platform.clock.now();
    const { book } = await openEnvironment(settings, platform, { create: false });
    const live = await book.live();
    const list = (await book.list()).map((record) => ({ ...record, live: record.release === live?.record.release }));
    const good = list.filter(({ state }) => state === 'good').length;
    return composeReport(
      'releases',
      subjectOf(settings, live?.record),
      { startedAt, finishedAt: platform.clock.now() },
      {
        reason: 'listed',
        summary: `${list.length} releases in ${settings.environment}, ${good} of them good`,
        record: { releases: list },
      },
    );
  },
  present(report) {
    const record = Rows.safeParse(report.record).data;
    if (record === undefined) return [];
    const rows = record.releases.map((each) => [
      each.live ? '*' : '',
      each.release,
      each.version,
      each.state,
      each.createdAt,
      each.actor,
      each.failure ?? '',
    ]);
    return [{ kind: 'table', columns: ['live', 'release', 'version', 'state', 'created', 'by', 'why bad'], rows }];
  },
};
