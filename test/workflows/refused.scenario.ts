import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, answerOf, aPlatformOnGithub, filledIn, MALLORY, type PlatformOnGithub, resultsOf } from './platform.ts';

const NOTHING = { release: 'skipped', recover: 'skipped', report: 'success' };

describe('what is refused', () => {
  let platform: PlatformOnGithub;
  let good: string;
  beforeAll(async () => {
    const release = filledIn('release.yml');
    platform = await aPlatformOnGithub({
      '.github/workflows/named.yml': release.replace('      version:', '      artifact: planted\n      version:'),
      '.github/workflows/bare.yml': release.replace(/ {4}secrets:\n[\s\S]*$/, ''),
    });
    good = (await platform.push()).version;
  }, 300_000);
  afterAll(() => platform?.close());

  const plant = (name: string, runId: number) => {
    const { world } = platform.caller.github;
    const [own] = world.artifacts;
    if (own === undefined) throw new Error('no run has kept an artifact yet');
    world.artifacts.push({ ...own, id: world.nextId(), name, runId });
  };

  it('is somebody whom the token of GitHub does not name, under whatever login', async () => {
    const run = await platform.push(undefined, { actor: { ...MALLORY, login: 'alice' } });

    expect(resultsOf(run)).toEqual({ build: 'success', admit: 'failure', ...NOTHING });
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(platform.told().at(-1)).toContain('was not released; what was live still is');
    expect(await platform.version()).toBe(good);
  }, 200_000);

  it("is a deployer's run that somebody else runs again", async () => {
    const run = await platform.push(undefined, { again: MALLORY });

    expect(resultsOf(run)).toEqual({ build: 'success', admit: 'failure', ...NOTHING });
    expect(run.jobs['release.yml']?.['admit']?.outputs['authorize']).toContain('"reason":"run-again-by-another"');
    expect(await platform.version()).toBe(good);
  }, 200_000);

  it('is a release in a job that is not one of its environment, so that nobody was asked for an approval', async () => {
    const run = await platform.push(undefined, { environments: {} });

    expect(resultsOf(run)).toMatchObject({ admit: 'success', release: 'failure', report: 'success' });
    expect(run.jobs['release.yml']?.['release']?.outputs['authorize']).toContain('"reason":"environment-not-passed"');
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(await platform.version()).toBe(good);
  }, 200_000);

  it('is an artifact that another run planted under the name that is asked for', async () => {
    plant('planted', 4711);

    const run = await platform.run('named', { actor: ALICE });

    expect(resultsOf(run)).toEqual({ build: 'skipped', admit: 'failure', ...NOTHING });
    expect(run.jobs['release.yml']?.['admit']?.outputs['authorize']).toContain('"reason":"artifact-missing"');
    expect(await platform.version()).toBe(good);
  }, 200_000);

  it('is an artifact that was changed after it was admitted', async () => {
    const { world } = platform.caller.github;
    const run = await platform.push(undefined, {
      watch: ({ jobID, msg }) => {
        const index = world.artifacts.findLastIndex(({ name }) => name.startsWith('holdfast-build'));
        const artifact = world.artifacts[index];
        if (jobID !== 'release' || !msg.includes('Run Main acme/holdfast/actions/backup@') || artifact === undefined)
          return;
        // What the first run built, with another digest, in place of what this one built.
        const [first] = world.artifacts;
        if (first !== undefined) world.artifacts[index] = { ...first, id: artifact.id, runId: artifact.runId };
      },
    });

    expect(resultsOf(run)).toEqual({
      build: 'success',
      admit: 'success',
      release: 'failure',
      recover: 'success',
      report: 'success',
    });
    expect(run.jobs['release.yml']?.['release']?.outputs['deploy']).toContain('"reason":"artifact-changed"');
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started', 'live-version': good });
    expect(await platform.version()).toBe(good);
  }, 200_000);

  it('is a release from which nobody could recover, because the job recover is given no secrets', async () => {
    const run = await platform.run('bare', { actor: ALICE });

    expect(resultsOf(run)).toMatchObject({
      build: 'success',
      admit: 'failure',
      release: 'skipped',
      recover: 'skipped',
    });
    expect(run.jobs['release.yml']?.['admit']?.outputs['authorize']).toContain('"reason":"no-secrets-for-recovery"');
  }, 200_000);

  it('is a server that is not the one of the last release', async () => {
    renameSync(platform.root, `${platform.root}-unmounted`);

    const run = await platform.push();
    renameSync(`${platform.root}-unmounted`, platform.root);

    expect(resultsOf(run)).toMatchObject({
      admit: 'success',
      release: 'failure',
      recover: 'failure',
      report: 'success',
    });
    expect(run.jobs['release.yml']?.['release']?.outputs['backup']).toContain('"reason":"target-not-the-same"');
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(await platform.version()).toBe(good);
  }, 200_000);

  it('is a folder as target on machines that keep nothing from one job to the next', async () => {
    const folder = platform.configuration.replace(
      / {4}target:\n[\s\S]*$/,
      `    target: { kind: directory, path: ${join(platform.root, '..', 'local')} }\n`,
    );
    platform.caller.commit({ 'holdfast.yml': folder });

    const run = await platform.push();
    platform.caller.commit({ 'holdfast.yml': platform.configuration });

    expect(resultsOf(run)).toMatchObject({ release: 'failure', report: 'success' });
    expect(run.jobs['release.yml']?.['release']?.outputs['backup']).toContain('"reason":"target-not-shared"');
    expect(run.log).toMatch(/target-not-shared[\s\S]*ssh[\s\S]*runs-on/);
  }, 200_000);
});

describe('a configuration that cannot be read', () => {
  let platform: PlatformOnGithub;
  beforeAll(async () => {
    const webhook = '        HOLDFAST_ALERT_WEBHOOK: ${{ toJSON(secrets.SLACK_WEBHOOK) }}\n';
    platform = await aPlatformOnGithub({ '.github/workflows/last-resort.yml': filledIn('release.yml') + webhook });
  }, 120_000);
  afterAll(() => platform?.close());

  it('tells people over the webhook of last resort when there was never a good one', async () => {
    platform.caller.commit({ 'holdfast.yml': 'version: 1\nservices: [\n' });

    const run = await platform.run('last-resort', { actor: ALICE });

    expect(resultsOf(run)).toEqual({ build: 'failure', admit: 'skipped', ...NOTHING });
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(platform.told()).toEqual([expect.stringContaining('was not released')]);
  }, 200_000);

  it('fails the job that tells people when nobody can be told', async () => {
    const run = await platform.push();

    expect(resultsOf(run)).toMatchObject({ build: 'failure', report: 'failure' });
    expect(run.log).toContain('HOLDFAST_ALERT_WEBHOOK is not set');
  }, 200_000);

  it('tells people as the last good release would have', async () => {
    platform.caller.commit({ 'holdfast.yml': platform.configuration });
    const good = await platform.push();
    const before = platform.told().length;
    platform.caller.commit({ 'holdfast.yml': platform.configuration.replace('project:', 'projekt:') });

    const run = await platform.push();

    expect(answerOf(good)).toMatchObject({ reason: 'released' });
    expect(resultsOf(run)).toEqual({ build: 'failure', admit: 'skipped', ...NOTHING });
    expect(run.log).toContain('alerts follow the one of the last good release');
    expect(platform.told().slice(before)).toEqual([expect.stringContaining('was not released')]);
    expect(await platform.version()).toBe(good.version);
  }, 400_000);

  it('on a branch alone tells people as the default branch says', async () => {
    platform.caller.commit({ 'holdfast.yml': platform.configuration });
    const before = platform.told().length;
    platform.caller.commit({ 'holdfast.yml': 'nothing: of the kind\n' }, 'broken');

    const run = await platform.run('release', { branch: 'broken', actor: ALICE });

    expect(run.log).toContain('alerts follow the one on the default branch');
    expect(platform.told()).toHaveLength(before + 1);
  }, 200_000);
});
