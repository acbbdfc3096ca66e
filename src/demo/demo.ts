import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Action } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import { Interrupted } from '../core/errors.ts';
import { composeReport, type Report } from '../core/report.ts';
import { openEnvironment } from '../environment/environment.ts';
import { revert } from '../environment/revert.ts';
import { stopEverything } from '../environment/teardown.ts';
import { release } from '../pipeline/release.ts';
import type { Platform } from '../platform/platform.ts';
import { renderHtml } from '../report/html.ts';
import { compareNotes, demoClient, type Note } from './client.ts';
import { type Load, type LoadSummary, startLoad } from './load.ts';
import { buildStage, type Stage } from './stage.ts';

const inputs = z.strictObject({
  strategy: z
    .enum(['socket', 'restart'])
    .prefault('socket')
    .meta({ description: 'How versions change: socket loses no request; restart shows the gap' }),
});

const DemoRecord = z.looseObject({
  story: z.array(z.string()),
  html: z.string(),
  failedRequests: z.number(),
  releases: z.number(),
  rolledBack: z.number(),
});

/** A platform goes live, a good release, a bad one, its automatic rollback: under load, on loopback, in a temporary folder. */
export const demo: Action<typeof inputs, undefined, Platform> = {
  name: 'demo',
  summary: 'watch a release go live, a bad one be caught, and the old one come back with its data',
  group: 'Other',
  settings: 'none',
  inputs,
  reasons: ['shown', 'not-as-promised'],
  async run({ inputs: { strategy } }, platform) {
    const startedAt = platform.clock.now();
    // The sample platform needs the Node that runs this, whatever `node` means elsewhere.
    const environment = { ...platform.identity.environment };
    environment['PATH'] = `${dirname(process.execPath)}:${environment['PATH']}`;
    const own: Platform = { ...platform, identity: { ...platform.identity, environment } };
    const stage = await buildStage(tmpdir(), strategy);
    try {
      const told = await play(stage, own);
      return composeReport(
        'demo',
        { project: 'insurance-navigator', environment: 'local' },
        { startedAt, finishedAt: platform.clock.now() },
        told,
      );
    } finally {
      const calm: Platform = { ...own, signal: new AbortController().signal };
      await stopEverything(await openEnvironment(stage.configurationFor('v1'), calm, { create: false }));
      await stage.remove();
    }
  },
  present(report) {
    const record = DemoRecord.safeParse(report.record).data;
    return (record?.story ?? []).map((text) => ({ kind: 'text' as const, text }));
  },
  closingLine(report) {
    const record = DemoRecord.safeParse(report.record).data;
    return `demo: ${record?.releases ?? 0} releases, ${record?.rolledBack ?? 0} rolled back, ${record?.failedRequests ?? 0} failed requests`;
  },
};

async function play(stage: Stage, platform: Platform) {
  const releases: Report[] = [];
  const releaseVersion = async (version: string) => {
    platform.log.info(`release ${version}`);
    const report = await release(
      { version, service: undefined, withoutProof: undefined },
      stage.configurationFor(version),
      platform,
    );
    if (platform.signal.aborted) throw new Interrupted();
    platform.log.info(report.summary);
    releases.push(report);
    return report;
  };
  const client = demoClient(stage.origin, 'cleo', stage.password);

  const first = await releaseVersion('v1');
  const load = startLoad(stage.loadProgram, {
    url: stage.origin,
    user: 'cleo',
    password: stage.password,
    badVersions: ['v3'],
  });
  let summary: LoadSummary;
  let notes: { before: Note; after: Note; restarted: Note };
  let good: Report;
  let bad: Report;
  try {
    await answering(load, platform);
    good = await releaseVersion('v2');
    await client.prepare();
    const before = await client.note();
    bad = await releaseVersion('v3');
    const after = await client.note();
    platform.log.info('restart v2 once more and look again');
    await restart(stage, platform);
    const restarted = await client.note();
    notes = { before, after, restarted };
    await platform.clock.sleep(500, platform.signal);
    summary = await load.stop();
  } catch (error) {
    load.kill();
    throw error;
  }
  const html = join(tmpdir(), 'holdfast-demo-report.html');
  await writeFile(html, renderHtml(bad));
  return tell({ first, good, bad, notes, summary, html });
}

/** Waits until the load has had answers: a release under load means one that began before. */
async function answering(load: Load, { clock, signal }: Platform): Promise<void> {
  for (let waited = 0; (load.latest()?.requests ?? 0) === 0; waited += 100) {
    if (waited > 15_000) throw new Error('the load gets no answers');
    await clock.sleep(100, signal);
  }
}

/** Stops the live release as a crash would not, and starts it again. */
async function restart(stage: Stage, platform: Platform): Promise<void> {
  const environment = await openEnvironment(stage.configurationFor('v2'), platform, { create: false });
  const { settings, instances, book } = environment;
  const lease = await environment.leases.acquire({
    environment: settings.environment,
    purpose: 'change',
    actor: 'demo',
  });
  try {
    const live = await book.live();
    for (const instance of await instances.find('api')) {
      await instances.stop(instance, { signal: 'SIGTERM', timeout: 15_000 });
    }
    const { walk } = await revert(
      {
        run: `demo-restart-${platform.random.hex(4)}`,
        from: undefined,
        to: live?.record.release,
        backup: undefined,
        actor: 'demo',
        failure: undefined,
      },
      lease,
      environment,
    );
    if (!walk.completed) throw new Error(`the old version did not start again: ${walk.failed?.summary}`);
  } finally {
    await lease.release();
  }
}

interface Seen {
  readonly first: Report;
  readonly good: Report;
  readonly bad: Report;
  readonly notes: { readonly before: Note; readonly after: Note; readonly restarted: Note };
  readonly summary: LoadSummary;
  readonly html: string;
}

function tell({ first, good, bad, notes, summary, html }: Seen) {
  const { failures, versions } = summary;
  const failedRequests = failures.reset + failures.timeout + failures.status5xx;
  const lost = [...compareNotes(notes.before, notes.after), ...compareNotes(notes.before, notes.restarted)];
  const versionsSeen = Object.entries(versions).map(([version, count]) => `${version} ${count}`);
  const story = [
    first.summary,
    good.summary,
    bad.summary,
    lost.length === 0
      ? 'What a client had noted before v3 (rows, a document, the schema) is the same after the rollback, and after one more restart.'
      : `Not the same after the rollback: ${[...new Set(lost)].join(', ')}.`,
    `Meanwhile ${summary.requests} requests (${Math.round(summary.perSecond ?? 0)} a second, ${summary.writesAccepted} writes) were answered by ${versionsSeen.join(', ')}; the longest wait was ${formatDuration(summary.longestWaitMs)}.`,
    `Failed requests: ${failedRequests}. Wrong answers that v3 itself gave while it was live: ${summary.wrongAnswers}.`,
    `The report of the bad release: ${html}`,
  ];
  const asPromised =
    first.reason === 'released' && good.reason === 'released' && bad.reason === 'rolled-back' && lost.length === 0;
  return {
    decision: asPromised ? ('proceed' as const) : ('stop' as const),
    reason: asPromised ? 'shown' : 'not-as-promised',
    summary: asPromised
      ? 'v3 was caught and v2 came back by itself, with its data'
      : 'the demo did not go as promised: read what happened above',
    record: {
      story,
      html,
      releases: [first, good, bad].length,
      rolledBack: [first, good, bad].filter(({ reason }) => reason === 'rolled-back').length,
      failedRequests,
      wrongAnswers: summary.wrongAnswers,
      load: summary,
      notes,
    },
  };
}
