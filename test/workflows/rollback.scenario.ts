import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, answerOf, aPlatformOnGithub, MALLORY, type PlatformOnGithub, resultsOf } from './platform.ts';

describe('a rollback by hand', () => {
  let platform: PlatformOnGithub;
  const versions: string[] = [];
  beforeAll(async () => {
    platform = await aPlatformOnGithub();
    for (let count = 0; count < 3; count += 1) versions.push((await platform.push()).version);
  }, 400_000);
  afterAll(() => platform?.close());

  it('is for those who have the role, by the token of GitHub', async () => {
    const run = await platform.rollback({ data: 'keep', reason: 'curiosity' }, { actor: MALLORY });

    expect(resultsOf(run, 'rollback.yml')).toEqual({ admit: 'failure', rollback: 'skipped', report: 'success' });
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'no-role' });
    expect(platform.told().at(-1)).toContain('was not rolled back');
    expect(await platform.version()).toBe(versions[2]);
  }, 200_000);

  it('goes to an older good release, past the last one, and leaves a hold', async () => {
    const run = await platform.rollback({ to: String(versions[0]), data: 'keep', reason: 'v2 and v3 lose orders' });

    expect(resultsOf(run, 'rollback.yml')).toEqual({ admit: 'success', rollback: 'success', report: 'success' });
    expect(answerOf(run)).toMatchObject({ decision: 'proceed', reason: 'rolled-back', 'live-version': versions[0] });
    expect(await platform.version()).toBe(versions[0]);
    expect(platform.told().at(-1)).toContain('was rolled back by hand');
    const [newest] = [...platform.caller.github.world.deployments].reverse();
    expect([newest?.sha, newest?.statuses[0]?.state]).toEqual([versions[0], 'success']);
  }, 200_000);

  it('is not undone by a release that waited in the queue', async () => {
    const queued = await platform.push();

    expect(resultsOf(queued)).toMatchObject({ admit: 'success', release: 'failure', report: 'success' });
    expect(answerOf(queued)).toMatchObject({ decision: 'stop', reason: 'not-started', 'live-version': versions[0] });
    expect(queued.jobs['release.yml']?.['release']?.outputs['backup']).toContain('"reason":"environment-held"');
    expect(queued.log).toContain('v2 and v3 lose orders');
    expect(platform.told().at(-1)).toContain('was not released');
    expect(await platform.version()).toBe(versions[0]);
  }, 200_000);

  it('leaves a hold that lock.yml shows and frees, for those who may', async () => {
    const shown = await platform.lock({ do: 'status' });
    const refused = await platform.lock({ do: 'release' }, { actor: ALICE });
    const freed = await platform.lock({ do: 'release' });
    const next = await platform.push();

    expect(answerOf(shown)).toMatchObject({ decision: 'proceed', reason: 'held' });
    expect(answerOf(refused)).toMatchObject({ decision: 'stop', reason: 'no-role' });
    expect(answerOf(freed)).toMatchObject({ decision: 'proceed', reason: 'freed' });
    expect(answerOf(next)).toMatchObject({ reason: 'released', 'live-version': next.version });
  }, 400_000);

  it('that names no good release is a clear error, changes nothing and leaves no hold', async () => {
    const before = await platform.version();

    const run = await platform.rollback({ to: 'v99', data: 'keep', reason: 'a slip of the hand' });

    expect(resultsOf(run, 'rollback.yml')).toMatchObject({ admit: 'success', rollback: 'failure', report: 'success' });
    expect(answerOf(run)).toMatchObject({ decision: 'stop' });
    expect(run.log).toContain('v99');
    expect(await platform.version()).toBe(before);
    expect(answerOf(await platform.lock({ do: 'status' }))).toMatchObject({ reason: 'free' });
  }, 200_000);

  it('validates on request what is live', async () => {
    const run = await platform.validate();

    expect(resultsOf(run, 'validate.yml')).toEqual({ validate: 'success' });
    expect(answerOf(run)).toMatchObject({ decision: 'proceed', reason: 'validated' });
  }, 200_000);
});

describe('a way back that breaks', () => {
  let platform: PlatformOnGithub;
  let good: string;
  beforeAll(async () => {
    platform = await aPlatformOnGithub();
    good = (await platform.push()).version;
  }, 300_000);
  afterAll(() => platform?.close());

  it('is unsafe, said by every job that tries, and paged as such; mended, recover finishes it', async () => {
    const releases = join(platform.root, 'releases');
    const [kept] = await platform.releases();
    // Somebody clears the server up while the new version is being looked at.
    const run = await platform.push('wrong-role-check', {
      watch: ({ jobID, msg }) => {
        if (jobID === 'release' && msg.includes('Run Main acme/holdfast/actions/validate@') && kept !== undefined) {
          try {
            renameSync(join(releases, kept), join(platform.root, 'cleared-away'));
          } catch {
            // It was told of this step before.
          }
        }
      },
    });
    const critical = platform.told().at(-1);
    renameSync(join(platform.root, 'cleared-away'), join(releases, String(kept)));
    const next = await platform.push('wrong-role-check');

    expect(resultsOf(run)).toEqual({
      build: 'success',
      admit: 'success',
      release: 'failure',
      recover: 'failure',
      report: 'success',
    });
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'unsafe', 'live-version': '' });
    expect(critical).toContain('failed, and so did the way back; what is live is not known; a restorer acts now');
    expect(answerOf(next)).toMatchObject({ reason: 'rolled-back', 'live-version': good });
    expect(await platform.version()).toBe(good);
    rmSync(join(platform.root, 'cleared-away'), { recursive: true, force: true });
  }, 400_000);
});
