import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seeded } from '../acceptance/chance.ts';
import { isFull } from '../acceptance/scope.ts';
import { answerOf, aPlatformOnGithub, type PlatformOnGithub, resultsOf } from './platform.ts';

describe('a machine that dies in the middle of a release', () => {
  let platform: PlatformOnGithub;
  let good: string;
  beforeAll(async () => {
    platform = await aPlatformOnGithub();
    good = (await platform.push()).version;
  }, 300_000);
  afterAll(() => platform?.close());

  it('is made good by the job recover on another machine', async () => {
    const before = platform.digestOfData();

    const run = await platform.push(undefined, {
      watch: ({ jobID, msg }, machines) => {
        if (jobID === 'release' && msg.includes('run the migrations of')) machines.kill('release');
      },
    });

    expect(resultsOf(run)).toEqual({
      build: 'success',
      admit: 'success',
      release: 'failure',
      recover: 'success',
      report: 'success',
    });
    expect(run.jobs['release.yml']?.['recover']?.outputs['recover']).toContain('"reason":"recovered"');
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'rolled-back', 'live-version': good });
    expect(await platform.version()).toBe(good);
    expect(platform.digestOfData()).toBe(before);
    expect(platform.told().at(-1)).toContain(`${run.version} failed and was rolled back; ${good} is live`);
  }, 300_000);

  const chance = seeded(20261126);
  it.each(Array.from({ length: isFull ? 8 : 2 }, () => Math.round(chance() * 7000)))(
    'leaves one good release live, %i ms after the job has begun',
    async (afterMs) => {
      const before = platform.digestOfData();
      let timer: NodeJS.Timeout | undefined;

      const run = await platform.push(undefined, {
        watch: ({ jobID }, machines) => {
          if (jobID === 'release') timer ??= setTimeout(() => machines.kill('release'), afterMs);
        },
      });
      clearTimeout(timer);

      const { reason = '', 'live-version': live } = answerOf(run);
      expect(['released', 'rolled-back', 'not-started']).toContain(reason);
      expect(live).toBe(reason === 'released' ? run.version : good);
      expect(await platform.version()).toBe(live);
      expect(platform.digestOfData()).toBe(before);
      good = String(live);
    },
    300_000,
  );

  it('bars no later release', async () => {
    const next = await platform.push();

    expect(answerOf(next)).toMatchObject({ reason: 'released', 'live-version': next.version });
  }, 300_000);
});
