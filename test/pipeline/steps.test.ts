import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { backupStep } from '../../actions/backup/step.ts';
import { complianceStep } from '../../actions/compliance/step.ts';
import { deployStep } from '../../actions/deploy/step.ts';
import { promoteStep } from '../../actions/promote/step.ts';
import { recoverStep } from '../../actions/recover/step.ts';
import { rollbackStep } from '../../actions/rollback/step.ts';
import { validateStep } from '../../actions/validate/step.ts';
import { OutsideError } from '../../src/core/errors.ts';
import type { Report } from '../../src/core/report.ts';
import { findBaseline } from '../../src/environment/baselines.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { recordOutput } from '../../src/hosts/record-output.ts';
import { lockRelease } from '../../src/pipeline/lock.ts';
import { release } from '../../src/pipeline/release.ts';
import { rollback } from '../../src/pipeline/rollback.ts';
import type { Artifacts } from '../../src/platform/artifacts.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { type FakeArtifacts, fakeArtifacts } from '../support/artifacts.ts';
import { aBaseline } from '../support/baseline.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';
import { aRun, aWorkflow, type FakeWorkflow } from '../support/workflow.ts';

let shop: Shop;
let github: Pick<FakeWorkflow, 'runs' | 'made'>;
let runs = 0;

beforeEach(async () => {
  shop = await aShop({ migrate: true });
  github = aWorkflow();
});

afterEach(() => shop.close());

interface Ended {
  readonly reports: Readonly<Record<string, Report | Error>>;
  /** As GitHub tells the last step. */
  readonly context: Record<string, unknown>;
}

/** The handover of a step as it travels, and what became of it. */
const told = (report: Report | Error) =>
  report instanceof Error
    ? { outcome: 'failure', outputs: {} }
    : {
        outcome: report.decision === 'proceed' ? 'success' : 'failure',
        outputs: { record: recordOutput(report, (text) => text) },
      };

const recordOf = (report: Report | Error | undefined) =>
  report === undefined || report instanceof Error ? undefined : recordOutput(report, (text) => text);

interface Job {
  readonly platform: () => Platform;
  readonly id: number;
  readonly artifacts: FakeArtifacts;
}

/** Another call, by somebody else. */
const another = (call: string) => aJob('release', call.repeat(16));

function aJob(
  job = 'release',
  call = '0123456789abcdef',
  changes: Partial<Artifacts> = {},
  now?: (() => number) | undefined,
): Job {
  runs += 1;
  const id = runs;
  github.runs.set(id, aRun(id));
  const artifacts = { ...fakeArtifacts(id), ...changes };
  const platform = () => {
    const real = aPlatform({ workflow: aWorkflow({ id, job, call, artifacts, with: github }) });
    return now === undefined ? real : { ...real, clock: { ...real.clock, now } };
  };
  return { id, platform, artifacts };
}

/** The steps of the job `release`, each with a platform of its own, as each is a process of its own. */
async function releaseJob(
  version: string,
  options: {
    fault?: string;
    upTo?: string;
    set?: readonly string[];
    between?: (step: string) => Promise<void>;
    artifacts?: Partial<Artifacts>;
    /** Not in the chain: then `promote` looks once more. */
    without?: readonly string[];
    clock?: () => number;
  } = {},
): Promise<Ended & { readonly job: Job }> {
  await shop.build(version, options.fault);
  const job = aJob('release', '0123456789abcdef', options.artifacts, options.clock);
  const settings = shop.configuration(version, options.set);
  const reports: Record<string, Report | Error> = {};
  const keep = { lease: 'keep' as const };
  const steps: Record<string, () => Promise<Report>> = {
    backup: () => backupStep.run({ inputs: keep, settings }, job.platform()),
    deploy: () =>
      deployStep.run({ inputs: { ...keep, version, net: recordOf(reports['backup']) }, settings }, job.platform()),
    validate: () => validateStep.run({ inputs: keep, settings }, job.platform()),
    compliance: () =>
      complianceStep.run(
        { inputs: { ...keep, phase: 'after', validated: recordOf(reports['validate']) }, settings },
        job.platform(),
      ),
    promote: () => promoteStep.run({ inputs: { validated: recordOf(reports['validate']) }, settings }, job.platform()),
  };
  const context: Record<string, unknown> = {};
  let isStopped = false;
  for (const [name, step] of Object.entries(steps)) {
    if (options.without?.includes(name) === true) continue;
    if (isStopped) {
      context[name] = { outcome: 'skipped', outputs: {} };
      continue;
    }
    const report = await step().catch((error: Error) => error);
    reports[name] = report;
    context[name] = told(report);
    await options.between?.(name);
    if (options.upTo === name) return { reports, context, job };
    isStopped = report instanceof Error || report.decision === 'stop';
  }
  reports['rollback'] = await undo(settings, job, context);
  return { reports, context, job };
}

const UNDO = { automatic: true, hold: false, quiet: false, data: 'as-configured' as const };

const undo = (settings: ReturnType<Shop['configuration']>, job: Job, context: unknown) =>
  rollbackStep
    .run({ inputs: { ...UNDO, steps: JSON.stringify(context) }, settings }, job.platform())
    .catch((error: Error) => error);

const reasons = ({ reports }: Ended) =>
  Object.fromEntries(
    Object.entries(reports).map(([name, report]) => [name, 'reason' in report ? report.reason : report.message]),
  );

const lease = async () =>
  (await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false })).leases.current();

const states = () => github.made.map(({ payload, states: all }) => `${Object(payload).version} ${all.join(' ')}`);

describe('a release in the steps of a job', () => {
  it('ends good, with the lease free and GitHub told', async () => {
    const ended = await releaseJob('v1');

    expect(reasons(ended)).toEqual({
      backup: 'proven',
      deploy: 'deployed',
      validate: 'validated',
      compliance: 'no-frameworks',
      promote: 'promoted',
      rollback: 'nothing-to-undo',
    });
    expect(await lease()).toBeUndefined();
    expect(await shop.ask('web', '/version')).toBe('v1');
    expect(states()).toEqual(['v1 in_progress success']);
  });

  it('keeps the baseline of what it promoted as an artifact of its run', async () => {
    const { job, reports } = await releaseJob('v1');

    const settings = shop.configuration('v1');
    const onTarget = await findBaseline(await openEnvironment(settings, aPlatform(), { create: false }));
    expect(job.artifacts.kept.map(({ artifact }) => artifact.name)).toEqual(['holdfast-baseline-shop.local']);
    expect(JSON.parse(String(job.artifacts.kept[0]?.files.get('baseline.json')))).toEqual(onTarget.baseline);
    expect(reports['promote']).toMatchObject({ reason: 'promoted', findings: [] });
  });

  it('is promoted all the same when GitHub does not keep the baseline', async () => {
    const upload = () => Promise.reject(new OutsideError('github-unreachable', 'no answer'));

    const ended = await releaseJob('v1', { artifacts: { upload } });

    expect(ended.reports['promote']).toMatchObject({
      ...{ decision: 'proceed', reason: 'promoted' },
      findings: [{ check: 'baseline-kept', outcome: 'warn', message: expect.stringMatching(/no answer$/) }],
    });
    expect(states()).toEqual(['v1 in_progress success']);
  });

  it('stops before anything is changed when the baseline that counts cannot be trusted', async () => {
    const other = (version: string) => {
      const settings = shop.configuration(version);
      return { ...settings, validate: { ...settings.validate, baseline: { from: 'staging' } } };
    };
    const job = aJob();
    github.runs.set(4, aRun(4, { hasEnded: true, conclusion: 'success', branch: 'feature' }));
    job.artifacts.add('holdfast-baseline-shop.staging', { 'baseline.json': JSON.stringify(aBaseline()) }, 4);
    await shop.build('v1');
    const request = { version: 'v1', service: undefined, withoutProof: 'there is nothing yet' };

    const whole = await release(request, other('v1'), job.platform());
    const deployed = await deployStep.run(
      { inputs: { version: 'v1', lease: 'free', 'without-proof': 'nothing yet' }, settings: other('v1') },
      job.platform(),
    );

    expect(whole).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(deployed).toMatchObject({ decision: 'stop', reason: 'could-not-look' });
    for (const { findings } of [whole, deployed]) {
      expect(findings).toContainEqual(expect.objectContaining({ check: 'baseline', outcome: 'unknown' }));
    }
    expect(states()).toEqual([]);
    const { book } = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    expect(await book.list()).toEqual([]);
  });

  it('keeps everybody else out from its first step to its last', async () => {
    await releaseJob('v1');
    const refused: unknown[] = [];
    await shop.build('v3');
    const other = async () => {
      const request = { version: 'v3', service: undefined, withoutProof: undefined };
      const report = await release(request, shop.configuration('v3'), another('f').platform());
      refused.push(report.findings.find(({ check }) => check === 'environment-locked')?.outcome);
    };

    await releaseJob('v2', { between: (step) => (step === 'promote' ? Promise.resolve() : other()) });

    expect(refused).toEqual(['fail', 'fail', 'fail', 'fail']);
    expect(await shop.ask('web', '/version')).toBe('v2');
  });

  it('goes back in its last step when a check fails, with the reason of the check', async () => {
    await releaseJob('v1');
    await shop.ask('web', '/notes', 'POST');

    const ended = await releaseJob('v2', { fault: 'broken-notes' });

    expect(reasons(ended)).toMatchObject({ validate: 'check-failed', rollback: 'rolled-back' });
    expect(await shop.ask('web', '/version')).toBe('v1');
    expect(states()).toEqual(['v1 in_progress success inactive', 'v2 in_progress failure', 'v1 success']);
    const { book } = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    expect((await book.list())[0]).toMatchObject({
      version: 'v2',
      state: 'bad',
      failure: expect.stringContaining('failed'),
    });
    expect(await lease()).toBeUndefined();
  });

  it('brings the data back with the code when a migration destroyed it', async () => {
    await releaseJob('v1');
    await shop.ask('web', '/notes', 'POST');

    const ended = await releaseJob('v2', { fault: 'destroys-and-fails' });

    expect(reasons(ended)).toMatchObject({ deploy: 'migration-failed', rollback: 'rolled-back' });
    expect(ended.reports['rollback']).toMatchObject({ record: { rollback: { data: 'restored' } } });
    expect(await shop.ask('web', '/notes')).toContain('a note of v1');
  });

  it.each(['backup', 'deploy', 'validate', 'compliance'])(
    'that dies after its step %s is settled by the job recover on another machine',
    async (upTo) => {
      await releaseJob('v1');
      const dead = await releaseJob('v2', { upTo });
      const workflow = aWorkflow({ id: dead.job.id, job: 'recover', call: '0123456789abcdef', with: github });
      const platform = aPlatform({ workflow });

      const recovered = await recoverStep.run(
        { inputs: { quiet: true }, settings: shop.configuration('v2') },
        { ...platform, identity: { ...platform.identity, host: 'runner-2' } },
      );

      expect(recovered.reason).toBe(upTo === 'backup' ? 'nothing-to-recover' : 'recovered');
      expect(await shop.ask('web', '/version')).toBe('v1');
      expect(await lease()).toBeUndefined();
      expect(states().at(-1)).toMatch(/^v1 .*success$/);
    },
  );

  it('leaves what it left to whoever took over, and says so', async () => {
    await releaseJob('v1');
    await releaseJob('v2');
    const settings = shop.configuration('v3');
    const dead = await releaseJob('v3', { upTo: 'deploy' });
    const person = another('e');
    const back = { to: 'v1', data: 'keep' as const, reason: 'v2 and v3 lose orders', hold: true };
    const byHand = await rollbackStep.run(
      { inputs: { ...back, automatic: false, steps: '{}', quiet: true }, settings },
      person.platform(),
    );

    const last = await undo(settings, dead.job, dead.context);
    await shop.build('v4');
    const request = { version: 'v4', service: undefined, withoutProof: undefined };
    const queued = await release(request, shop.configuration('v4'), another('d').platform());

    expect(byHand).toMatchObject({ reason: 'rolled-back', record: { live: { version: 'v1' } } });
    expect(last).toMatchObject({ decision: 'proceed', reason: 'nothing-to-undo' });
    expect(queued).toMatchObject({ reason: 'not-started' });
    expect(queued.findings.map(({ check }) => check)).toContain('environment-held');
    expect(await shop.ask('web', '/version')).toBe('v1');
    expect(states().at(-1)).toBe('v1 success');
  });
});

describe('a chain of steps of somebody’s own', () => {
  it('without validate looks once more when it promotes, and goes back in its last step', async () => {
    await releaseJob('v1');

    const ended = await releaseJob('v2', { fault: 'broken-notes', without: ['validate', 'compliance'] });

    expect(reasons(ended)).toMatchObject({ promote: 'check-failed', rollback: 'rolled-back' });
    expect(await shop.ask('web', '/version')).toBe('v1');
    expect(await lease()).toBeUndefined();
  });

  it('is stopped when somebody rolled back and freed the hold between two of its steps, and promotes nothing', async () => {
    await releaseJob('v1');
    const settings = shop.configuration('v2');
    const byHand = async () => {
      const request = { to: undefined, data: 'keep' as const, reason: 'v2 loses orders', hold: true };
      await rollback(request, settings, another('c').platform());
      await lockRelease.run({ inputs: {}, settings }, another('c').platform());
    };

    const ended = await releaseJob('v2', { between: (step) => (step === 'validate' ? byHand() : Promise.resolve()) });

    expect(reasons(ended)).toMatchObject({
      validate: 'validated',
      compliance: expect.stringContaining('somebody took over'),
      rollback: 'nothing-to-undo',
    });
    expect(ended.reports['rollback']).toMatchObject({ record: { own: 'undone', live: { version: 'v1' } } });
    expect(await shop.ask('web', '/version')).toBe('v1');
    const { book } = await openEnvironment(settings, aPlatform(), { create: false });
    expect((await book.list())[0]).toMatchObject({ version: 'v2', state: 'bad' });
  });

  it('is not broken off by a freeze that begins when it has begun', async () => {
    await releaseJob('v1');
    const friday = Date.UTC(2026, 10, 27, 15, 59);
    let hasDeployed = false;
    const access = {
      'access.roles.deployer': JSON.stringify([`os:${aPlatform().identity.user}`]),
      'access.freeze': JSON.stringify([{ days: ['fri'], after: '16:00', zone: 'UTC' }]),
    };
    const set = Object.entries(access).map(([path, value]) => `${path}=${value}`);

    const ended = await releaseJob('v2', {
      set,
      clock: () => friday + (hasDeployed ? 120_000 : 0),
      async between(step) {
        if (step === 'deploy') hasDeployed = true;
      },
    });
    const next = await releaseJob('v3', { set, clock: () => friday + 120_000 });

    expect(reasons(ended)).toMatchObject({ promote: 'promoted' });
    expect(reasons(next)).toMatchObject({ backup: 'frozen', rollback: 'nothing-to-undo' });
    expect(await shop.ask('web', '/version')).toBe('v2');
  });
});

describe('the record on GitHub', () => {
  it('of a release that changed nothing is a failure, and what was live stays as it was', async () => {
    await releaseJob('v1');
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : 0;

    const ended = await releaseJob('v2', { set: [`services.web.run.port=${port}`] });
    taken.close();

    expect(reasons(ended)).toMatchObject({ deploy: 'port-taken', rollback: 'nothing-to-undo' });
    expect(states()[0]).toBe('v1 in_progress success');
    expect(states()[1]).toMatch(/^v2 in_progress failure$/);
    expect(await shop.ask('web', '/version')).toBe('v1');
  });

  it('knows its own project alone, whatever another one of the repository calls its environment', async () => {
    github.made.push({
      ...{ id: 7, commit: 'c'.repeat(40), environment: 'local', states: ['success'] },
      payload: { project: 'another', release: 'r-another', version: 'v9', targets: '{"local":"elsewhere"}' },
    });

    await releaseJob('v1');

    expect(states()).toEqual(['v9 success', 'v1 in_progress success']);
  });

  it('that cannot be written changes nothing about the release', async () => {
    const warned: string[] = [];
    const workflow = aWorkflow({ with: github });
    const broken = { ...workflow.deployments, create: async () => Promise.reject(new Error('403')) };
    await shop.build('v1');
    const quiet = aPlatform();
    const platform = {
      ...quiet,
      workflow: { ...workflow, deployments: broken },
      log: { ...quiet.log, warn: (text: string) => void warned.push(text) },
    };

    const report = await release(
      { version: 'v1', service: undefined, withoutProof: undefined },
      shop.configuration('v1'),
      platform,
    );

    expect(report.reason).toBe('released');
    expect(warned.join()).toContain('403');
  });
});
