import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Baseline } from '../../src/checks/baseline.ts';
import { findBaseline } from '../../src/environment/baselines.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { keepWithRun } from '../../src/environment/kept-baseline.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { connectWorkflow } from '../../src/platform/workflow.ts';
import { aBaseline, shopComparedWithStaging } from '../support/baseline.ts';
import { aRun, type GithubOfShop, startGithubOfShop } from '../support/github/repository.ts';
import type { RestAnswer } from '../support/github/rest.ts';
import type { Artifact, Run } from '../support/github/world.ts';
import { zipOf } from '../support/github/zip.ts';
import { aPlatform } from '../support/platform.ts';

/** The run that releases production, and the one that released staging before it. */
const [PRODUCTION, STAGING] = [4800, 4711];
const NAME = 'holdfast-baseline-shop.staging';
const { signal } = new AbortController();

const workspace = mkdtempSync(join(tmpdir(), 'holdfast-baselines-'));
let github: GithubOfShop;
let interfere: (path: string) => RestAnswer | undefined;

/** The client of artifacts tells each thing that it does. */
const { write } = process.stdout;
process.stdout.write = () => true;

beforeAll(async () => {
  github = await startGithubOfShop({ interfere: ({ path }) => interfere(path) });
  // It reads these by itself; the first thing that is loaded of it does.
  Object.assign(process.env, github.env);
});

beforeEach(() => {
  interfere = () => undefined;
  github.world.artifacts.splice(0);
  github.world.runs.splice(0);
  github.world.runs.push({ ...aRun, id: PRODUCTION, headSha: github.commit, conclusion: null });
  github.git('update-ref', 'refs/heads/main', github.commit);
});

afterEach(() => github.assertAsDescribed());

afterAll(async () => {
  process.stdout.write = write;
  await github.close();
  rmSync(workspace, { recursive: true, force: true });
});

const settingsOf = (environment: string) => shopComparedWithStaging(workspace, environment);

/** A job of a run, with the real clients of GitHub. */
function jobOf(run: number): Platform {
  const env = { ...github.env, GITHUB_RUN_ID: String(run), GITHUB_RUN_ATTEMPT: '1', GITHUB_WORKSPACE: workspace };
  const workflow = connectWorkflow(env, github.token, signal);
  if (workflow === undefined) throw new Error('there is no run');
  return aPlatform({ workflow });
}

async function find() {
  const environment = await openEnvironment(settingsOf('production'), jobOf(PRODUCTION), { create: false });
  return findBaseline(environment);
}

/** What another run kept, and how GitHub tells of that run. */
function planted(
  id: number,
  {
    run = {},
    artifact = {},
    baseline = aBaseline(),
  }: Partial<{ run: Partial<Run>; artifact: Partial<Artifact>; baseline: Baseline }> = {},
): void {
  github.world.runs.push({ ...aRun, id, headSha: github.commit, conclusion: 'success', ...run });
  const bytes = zipOf({ 'baseline.json': JSON.stringify(baseline) });
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const made = { name: NAME, runId: id, jobId: 'job-1', bytes, digest, contentType: 'application/zip' };
  const at = { id: github.world.nextId(), createdAt: '2026-11-22T10:00:00Z', expired: false };
  github.world.artifacts.push({ ...made, ...at, ...artifact });
}

/** A commit on top of `main` that `main` does not have. */
const unreviewed = () =>
  github.git('commit-tree', '-m', 'not reviewed', '-p', github.commit, `${github.commit}^{tree}`);

describe('a baseline on GitHub', () => {
  it('is kept by one run and found by another, once the first has ended well', async () => {
    const ofRun = { ...aRun, id: STAGING, headSha: github.commit };
    github.world.runs.push({ ...ofRun, conclusion: null });
    const kept = await keepWithRun(aBaseline(), { settings: settingsOf('staging'), platform: jobOf(STAGING) });
    expect(kept).toEqual([]);
    expect(github.world.artifacts.map(({ name }) => name)).toEqual([NAME]);
    expect(await find()).toMatchObject({ status: 'refused', why: expect.stringContaining('it has not ended') });

    github.world.runs.splice(1, 1, { ...ofRun, conclusion: 'success' });

    expect(await find()).toEqual({ status: 'found', where: 'artifact', run: STAGING, baseline: aBaseline() });
  });

  it('is not there before anything was kept', async () => {
    expect(await find()).toEqual({ status: 'missing', environment: 'staging', isOwn: false });
  });

  it('has expired when GitHub no longer hands it out', async () => {
    planted(4000, { artifact: { expired: true } });

    expect(await find()).toEqual({ status: 'expired', environment: 'staging', run: 4000 });
  });

  it('has expired when that happens just then', async () => {
    planted(4000);
    interfere = (path) => (path.endsWith('/zip') ? { status: 410, body: { message: 'expired' } } : undefined);

    expect(await find()).toMatchObject({ status: 'expired', run: 4000 });
  });

  it.each<{ name: string; run: () => Partial<Run>; why: RegExp }>([
    { name: 'of another branch', run: () => ({ headBranch: 'feature' }), why: /one of feature, not of main/ },
    {
      name: 'of a tag that is called like the branch',
      run: () => ({ headSha: unreviewed() }),
      why: /commit [0-9a-f]{12} is not on main/,
    },
    { name: 'of a fork', run: () => ({ fork: { id: 99, owner: 'mallory', name: 'shop' } }), why: /one of a fork/ },
    { name: 'of a pull request', run: () => ({ event: 'pull_request' }), why: /started by pull_request/ },
    { name: 'that failed', run: () => ({ conclusion: 'failure' }), why: /ended with failure/ },
  ])('is refused when a run $name planted it, before a byte of it is loaded', async ({ run, why }) => {
    planted(4000, { run: run() });
    github.asked.splice(0);

    expect(await find()).toMatchObject({ status: 'refused', why: expect.stringMatching(why) });
    expect(github.asked.filter((line) => line.includes('/zip'))).toEqual([]);
  });

  it('is refused when its bytes are not those of its digest', async () => {
    planted(4000, { artifact: { digest: `sha256:${'0'.repeat(64)}` } });

    expect(await find()).toMatchObject({ status: 'refused', why: expect.stringMatching(/is not sha256:0+: /) });
  });

  it('is the newest good one of several', async () => {
    planted(4000, { baseline: aBaseline({ version: 'old' }) });
    planted(4001, { baseline: aBaseline({ version: 'good' }) });
    planted(4002, { run: { headBranch: 'feature' } });
    planted(4003, { artifact: { digest: `sha256:${'0'.repeat(64)}` } });

    expect(await find()).toMatchObject({ status: 'found', run: 4001, baseline: { version: 'good' } });
  });

  it('is still good when the branch went on since', async () => {
    planted(4000);
    github.git('update-ref', 'refs/heads/main', unreviewed());

    expect(await find()).toMatchObject({ status: 'found', run: 4000 });
  });

  it('is the reviewed file of the default branch, not that of the ref which is released', async () => {
    const folder = join(workspace, 'baselines/shop');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'staging.json'), JSON.stringify(aBaseline({ version: 'of the ref' })));
    planted(4000);
    expect(await find()).toMatchObject({ where: 'artifact' });

    const reviewed = aBaseline({ version: 'reviewed' });
    const blob = join(workspace, 'reviewed.json');
    writeFileSync(blob, JSON.stringify(reviewed));
    const hash = github.git('hash-object', '-w', blob);
    github.git('update-index', '--add', '--cacheinfo', `100644,${hash},baselines/shop/staging.json`);
    github.git('commit', '--quiet', '--message=reviewed');

    expect(await find()).toEqual({ status: 'found', where: 'file', baseline: reviewed });
  });

  it('cannot be seen without the permission for it, which is named', async () => {
    planted(4000);
    interfere = (path) => (path.includes('/actions/artifacts') ? { status: 403, body: { message: 'no' } } : undefined);

    expect(await find()).toMatchObject({ status: 'refused', remedy: expect.stringContaining('"actions: read"') });
  });
});
