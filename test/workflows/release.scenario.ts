import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Baseline, isBaselineIntact } from '../../src/checks/baseline.ts';
import { Report } from '../../src/core/report.ts';
import { isFull } from '../acceptance/scope.ts';
import { unzip } from '../support/github/zip.ts';
import type { Outcome } from './harness.ts';
import { findLeaks } from './leaks.ts';
import { answerOf, aPlatformOnGithub, type PlatformOnGithub, resultsOf, SENTINEL, WEBHOOK } from './platform.ts';

/** Every fault of the sample that a check, a health probe or a migration catches. */
const FAULTS = [
  'crash-at-start',
  'wrong-role-check',
  'destroys-column',
  ...(isFull
    ? [
        'exit-zero-at-start',
        'never-ready',
        'errors-on-one-endpoint',
        'slow-endpoint',
        'broken-migration',
        'migrates-then-fails',
        'nobody-can-log-in',
      ]
    : []),
];

describe('a push to main', () => {
  let platform: PlatformOnGithub;
  let good: Outcome & { version: string };
  const runs: Outcome[] = [];
  beforeAll(async () => {
    platform = await aPlatformOnGithub();
    good = await platform.push();
    runs.push(good);
  }, 300_000);
  afterAll(() => platform?.close());

  it('releases the version: every job that has to run ends well, and nobody else', async () => {
    expect(resultsOf(good)).toEqual({
      build: 'success',
      admit: 'success',
      release: 'success',
      recover: 'skipped',
      report: 'success',
    });
    expect(answerOf(good)).toEqual({
      decision: 'proceed',
      reason: 'released',
      release: expect.stringMatching(/^r-\d{8}T\d{6}-[0-9a-f]{4}$/),
      'live-version': good.version,
    });
    expect(good.jobs['caller']?.['release']).toEqual({ result: 'success', outputs: answerOf(good) });
    expect(await platform.version()).toBe(good.version);
    expect(platform.told()).toEqual([
      expect.stringMatching(
        new RegExp(
          `^insurance-navigator production ${good.version} was released; ${good.version} is live; nobody has to`,
        ),
      ),
    ]);
  });

  it('tells GitHub what is live', () => {
    const [deployment] = platform.caller.github.world.deployments;

    expect(deployment).toMatchObject({ environment: 'production', sha: good.version });
    expect(deployment?.statuses.map(({ state }) => state)).toEqual(['success', 'in_progress']);
  });

  it.each(FAULTS)(
    'of the fault %s goes back in the same job, with the data as it was, and tells people',
    async (fault) => {
      const before = platform.digestOfData();

      const bad = await platform.push(fault);
      runs.push(bad);

      expect(resultsOf(bad)).toEqual({
        build: 'success',
        admit: 'success',
        release: 'failure',
        recover: 'success',
        report: 'success',
      });
      expect(answerOf(bad)).toMatchObject({ decision: 'stop', reason: 'rolled-back', 'live-version': good.version });
      expect(await platform.version()).toBe(good.version);
      expect(platform.digestOfData()).toBe(before);
      expect(platform.told().at(-1)).toContain(`${bad.version} failed and was rolled back; ${good.version} is live`);
      const { deployments } = platform.caller.github.world;
      expect(deployments.slice(-2).map(({ sha, statuses }) => [sha, statuses[0]?.state])).toEqual([
        [bad.version, 'failure'],
        [good.version, 'success'],
      ]);
    },
    300_000,
  );

  it('goes on with the next good version, which is the only one that GitHub calls a success then', async () => {
    const next = await platform.push();
    runs.push(next);

    expect(answerOf(next)).toMatchObject({ reason: 'released', 'live-version': next.version });
    expect(await platform.version()).toBe(next.version);
    const successes = platform.caller.github.world.deployments.filter(
      ({ statuses }) => statuses[0]?.state === 'success',
    );
    expect(successes.map(({ sha }) => sha)).toEqual([next.version]);
  }, 300_000);

  it('leaves no secret in a log, a summary, an output, an artifact, a record, a report or a message', () => {
    const { github } = platform.caller;
    const folders = ['reports', 'capsules', 'journal', 'releases', 'baselines'].map((name) =>
      [platform.root, '.holdfast', name].join('/'),
    );

    expect(findLeaks(SENTINEL, { runs, github, folders })).toEqual([]);
    expect(findLeaks('a password for the sample', { runs, github, folders })).toEqual([]);
    expect(findLeaks(WEBHOOK, { runs, github, folders })).toEqual([]);
    expect(findLeaks(platform.deployKey, { runs, github, folders: [platform.root] })).toEqual([]);
    // What is looked for is where it has to be: a rollback needs it.
    expect(findLeaks('sentinel-', { runs: [], github, folders: [platform.root] })).not.toEqual([]);
  });

  it('asked GitHub for nothing that GitHub would not have', () => {
    platform.caller.github.assertAsDescribed();
  });

  it('keeps the baseline and the report with the run, without a secret', () => {
    const { github } = platform.caller;
    const own = github.world.artifacts.filter(({ runId }) => runId === good.runId);
    const kept = new Map(own.map(({ name, bytes }) => [name, unzip(bytes)]));
    const fileOf = (kind: string, file: string) =>
      JSON.parse(String(kept.get(`holdfast-${kind}-insurance-navigator.production`)?.[file]));

    const baseline = Baseline.parse(fileOf('baseline', 'baseline.json'));
    expect(baseline).toMatchObject({ environment: 'production', version: good.version });
    expect(isBaselineIntact(baseline)).toBe(true);
    expect(Report.parse(fileOf('report', 'report.json'))).toMatchObject({ decision: 'proceed', reason: 'released' });
    expect(findLeaks(SENTINEL, { runs: [good], github })).toEqual([]);
    expect(findLeaks(WEBHOOK, { runs: [good], github })).toEqual([]);
    github.assertAsDescribed();
  });
});
