import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Baseline } from '../../src/checks/baseline.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { Interrupted, OutsideError, UserError } from '../../src/core/errors.ts';
import { findBaseline, saveBaseline } from '../../src/environment/baselines.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { keepWithRun } from '../../src/environment/kept-baseline.ts';
import type { FoundRun } from '../../src/platform/workflow.ts';
import { type FakeArtifacts, fakeArtifacts } from '../support/artifacts.ts';
import { aBaseline, shopComparedWithStaging } from '../support/baseline.ts';
import { aPlatform } from '../support/platform.ts';
import { aRun, aWorkflow, type FakeWorkflow, type FakeWorkflowOptions } from '../support/workflow.ts';

const OWN_RUN = 50;
const folder = mkdtempSync(join(tmpdir(), 'holdfast-kept-'));
const goodRun = { hasEnded: true, conclusion: 'success' };

let workspace: string;
let artifacts: FakeArtifacts;
let workflow: FakeWorkflow;

beforeEach(() => {
  workspace = mkdtempSync(join(folder, 'workspace-'));
  artifacts = fakeArtifacts(OWN_RUN);
  workflow = onGithub();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function onGithub(options: FakeWorkflowOptions = {}): FakeWorkflow {
  const made = aWorkflow({ id: OWN_RUN, workspace, artifacts, ...options });
  made.runs.set(OWN_RUN, aRun(OWN_RUN));
  return made;
}

function settingsOf(environment: string, secretValues: Configuration['secretValues'] = {}): Configuration {
  return { ...shopComparedWithStaging(workspace, environment), secretValues };
}

const open = (environment: string, on: FakeWorkflow | undefined = workflow) =>
  openEnvironment(settingsOf(environment), aPlatform(on === undefined ? {} : { workflow: on }), { create: false });

const find = async (environment = 'production') => findBaseline(await open(environment));

/** An artifact of the run `run`, which GitHub tells of as `told`. */
function planted(
  run: number,
  told: Partial<FoundRun> = goodRun,
  content: Baseline | string = aBaseline(),
  attempt = '',
) {
  workflow.runs.set(run, aRun(run, told));
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return artifacts.add(`holdfast-baseline-shop.staging${attempt}`, { 'baseline.json': text }, run);
}

function beside(path: string, text: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  writeFileSync(join(workspace, path), text);
}

const REVIEWED = 'baselines/shop/staging.json';

describe('keeping a baseline with the run', () => {
  const keep = (settings = settingsOf('staging'), on: FakeWorkflow | undefined = workflow) =>
    keepWithRun(aBaseline(), { settings, platform: aPlatform(on === undefined ? {} : { workflow: on }) });

  it('uploads it alone, by the name of project and environment', async () => {
    expect(await keep()).toEqual([]);

    const [{ artifact, files } = { artifact: undefined, files: new Map() }] = artifacts.kept;
    expect(artifact?.name).toBe('holdfast-baseline-shop.staging');
    expect([...files.keys()]).toEqual(['baseline.json']);
    expect(JSON.parse(String(files.get('baseline.json')))).toEqual(aBaseline());
  });

  it('names each later attempt of a run', async () => {
    await keep(settingsOf('staging'), onGithub({ attempt: 2 }));

    expect(artifacts.kept[0]?.artifact.name).toBe('holdfast-baseline-shop.staging.2');
  });

  it('does nothing where no workflow runs', async () => {
    const platform = aPlatform();

    expect(await keepWithRun(aBaseline(), { settings: settingsOf('staging'), platform })).toEqual([]);
  });

  it.each([
    { name: 'as it is', value: 'r-20261122T100000-abcd' },
    { name: 'and is short', value: 'list' },
    { name: 'as the password of an address', value: 'postgres://ada:application%2Fjson@db/shop' },
  ])('uploads nothing of one that holds a secret $name', async ({ value }) => {
    const findings = await keep(settingsOf('staging', { OTHER: 'not in it', TOKEN: value }));

    expect(artifacts.kept).toEqual([]);
    expect(findings).toEqual([
      expect.objectContaining({ check: 'baseline-kept', outcome: 'warn', message: expect.stringMatching(/TOKEN$/) }),
    ]);
    expect(JSON.stringify(findings)).not.toContain(value);
  });

  it.each([
    { name: 'GitHub does not take it', error: new OutsideError('github-unreachable', 'no answer') },
    { name: 'the run has one already', error: new UserError('artifact-exists', 'is there') },
    { name: 'the job was cancelled', error: new Interrupted() },
  ])('warns when $name', async ({ error }) => {
    const refusing = onGithub({ artifacts: { upload: () => Promise.reject(error) } });

    expect(await keep(settingsOf('staging'), refusing)).toEqual([
      expect.objectContaining({ outcome: 'warn', message: expect.stringContaining(error.message) }),
    ]);
  });
});

describe('the baseline of another environment', () => {
  it('is the reviewed file of the default branch, whatever the checked out ref and runs say', async () => {
    const reviewed = aBaseline({ version: 'reviewed' });
    beside(REVIEWED, JSON.stringify(aBaseline({ version: 'of the ref', checks: {} })));
    workflow = onGithub({ files: { [REVIEWED]: JSON.stringify(reviewed) } });
    planted(40);

    expect(await find()).toEqual({ status: 'found', where: 'file', baseline: reviewed });
  });

  it('is found below a folder of the repository', async () => {
    const repository = dirname(workspace);
    const path = join(workspace.slice(repository.length + 1), REVIEWED);
    workflow = onGithub({ workspace: repository, files: { [path]: JSON.stringify(aBaseline()) } });

    expect(await find()).toMatchObject({ status: 'found', where: 'file' });
  });

  it('is not that of a file which the default branch does not have', async () => {
    beside(REVIEWED, JSON.stringify(aBaseline()));

    expect(await find()).toEqual({ status: 'missing', environment: 'staging', isOwn: false });
  });

  it('is the file beside holdfast.yml on a laptop', async () => {
    const environment = await openEnvironment(settingsOf('production'), aPlatform(), { create: false });

    expect(await findBaseline(environment)).toEqual({ status: 'missing', environment: 'staging', isOwn: false });
    beside(REVIEWED, JSON.stringify(aBaseline()));
    expect(await findBaseline(environment)).toEqual({ status: 'found', where: 'file', baseline: aBaseline() });
    beside(REVIEWED, '{}');
    expect(await findBaseline(environment)).toMatchObject({ status: 'refused', why: `${REVIEWED} is no baseline` });
  });

  it('is refused when the file of the default branch is none', async () => {
    workflow = onGithub({ files: { [REVIEWED]: '{"schema":1}' } });
    planted(40);

    expect(await find()).toMatchObject({ status: 'refused', why: `${REVIEWED} on main is no baseline` });
  });

  it('is what a run kept, where there is no file', async () => {
    planted(40);

    expect(await find()).toEqual({ status: 'found', where: 'artifact', run: 40, baseline: aBaseline() });
  });

  it('is what an earlier job of this run kept', async () => {
    planted(OWN_RUN, {});

    expect(await find()).toMatchObject({ status: 'found', run: OWN_RUN });
  });

  it('is what a later attempt of a run kept', async () => {
    planted(40, goodRun, aBaseline({ version: 'v1' }));
    planted(41, goodRun, aBaseline({ version: 'v2' }), '.3');

    expect(await find()).toMatchObject({ run: 41, baseline: { version: 'v2' } });
  });

  it('is the newest good one', async () => {
    planted(40, goodRun, aBaseline({ version: 'old' }));
    planted(41, goodRun, aBaseline({ version: 'good' }));
    planted(42, { ...goodRun, branch: 'feature' });
    planted(43, goodRun, '{}');
    artifacts.change(planted(44).id, { isExpired: true });

    expect(await find()).toMatchObject({ status: 'found', run: 41, baseline: { version: 'good' } });
  });

  it('has expired when nothing else is there', async () => {
    artifacts.change(planted(40).id, { isExpired: true });

    expect(await find()).toEqual({ status: 'expired', environment: 'staging', run: 40 });
  });

  it.each<{ name: string; told?: Partial<FoundRun>; content?: Baseline | string; why: string }>([
    { name: 'another branch', told: { ...goodRun, branch: 'feature' }, why: 'it is one of feature, not of main' },
    { name: 'no branch', told: { ...goodRun, branch: undefined }, why: 'it is one of no branch, not of main' },
    {
      name: 'a tag called main',
      told: { ...goodRun, commit: 'b'.repeat(40) },
      why: 'commit bbbbbbbbbbbb is not on main',
    },
    { name: 'a fork', told: { ...goodRun, isOfThisRepository: false }, why: 'it is one of a fork' },
    {
      name: 'a pull request',
      told: { ...goodRun, event: 'pull_request_target' },
      why: 'started by pull_request_target',
    },
    { name: 'a run that failed', told: { hasEnded: true, conclusion: 'failure' }, why: 'it ended with failure' },
    { name: 'a run that goes on', told: {}, why: 'it has not ended' },
    {
      name: 'somebody who edited it',
      content: { ...aBaseline(), checks: {} },
      why: 'was changed after it was recorded',
    },
    { name: 'another environment', content: aBaseline({ environment: 'local' }), why: 'its baseline is one of local' },
    { name: 'another kind of file', content: '{"schema":1}', why: 'its artifact holds no baseline' },
    { name: 'no JSON at all', content: 'rm -rf', why: 'its artifact holds no baseline' },
  ])('is refused from $name', async ({ told = goodRun, content = aBaseline(), why }) => {
    planted(40, told, content);

    const found = await find();

    expect(found).toMatchObject({ status: 'refused', environment: 'staging', why: expect.stringContaining(why) });
    expect(found).toMatchObject({ why: expect.stringContaining('the one of the run 40 cannot be trusted') });
  });

  it('is refused when the artifact holds more than the baseline, or is large', async () => {
    workflow.runs.set(40, aRun(40, goodRun));
    const name = 'holdfast-baseline-shop.staging';
    const more = artifacts.add(name, { 'baseline.json': JSON.stringify(aBaseline()), 'more.txt': '' }, 40);
    expect(await find()).toMatchObject({ status: 'refused', why: expect.stringContaining('a small file') });

    artifacts.change(more.id, { sizeBytes: 10_000_000 });
    expect(await find()).toMatchObject({ status: 'refused', why: expect.stringContaining('10000000 bytes') });
  });

  it('is refused when it is not what its digest says', async () => {
    planted(40);
    const download = () => Promise.reject(new UserError('artifact-changed', 'it has another digest'));
    workflow = onGithub({ with: workflow, artifacts: { ...artifacts, download } });

    expect(await find()).toMatchObject({ status: 'refused', why: 'it has another digest' });
  });

  it.each([
    {
      name: 'may not be asked',
      error: new UserError('github-refused', 'may not', { hint: 'give it "actions: read"' }),
    },
    { name: 'gives no answer', error: new OutsideError('github-unreachable', 'may not') },
  ])('is refused when GitHub $name', async ({ error }) => {
    planted(40);
    workflow = onGithub({ artifacts: { ...artifacts, list: () => Promise.reject(error) } });

    expect(await find()).toMatchObject({ status: 'refused', why: 'may not', remedy: error.hint });
  });

  it('is missing when it was deleted meanwhile', async () => {
    planted(40);
    const download = () => Promise.reject(new UserError('artifact-missing', 'gone'));
    workflow = onGithub({ with: workflow, artifacts: { ...artifacts, download } });

    expect(await find()).toMatchObject({ status: 'missing' });
  });

  it('is not looked for to the end when the run is to end', async () => {
    workflow = onGithub({ artifacts: { list: () => Promise.reject(new Interrupted()) } });

    await expect(find()).rejects.toMatchObject({ name: 'Interrupted' });
  });
});

describe('the baseline of its own environment', () => {
  it('is the one on the target and no other', async () => {
    planted(40);
    expect(await find('staging')).toEqual({ status: 'missing', environment: 'staging', isOwn: true });

    const environment = await openEnvironment(settingsOf('staging'), aPlatform({ workflow }), { create: true });
    await saveBaseline(aBaseline(), environment);

    expect(await find('staging')).toEqual({ status: 'found', where: 'target', baseline: aBaseline() });
  });
});
