import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Outcome } from './harness.ts';
import { answerOf, aPlatformOnGithub, type PlatformOnGithub, resultsOf } from './platform.ts';

describe('a push to main', () => {
  let platform: PlatformOnGithub;
  let good: Outcome & { version: string };
  beforeAll(async () => {
    platform = await aPlatformOnGithub();
    good = await platform.push();
  }, 300_000);
  afterAll(() => platform?.close());

  it('releases the version: every job that has to run ends well', async () => {
    expect(resultsOf(good)).toEqual({
      build: 'success',
      admit: 'success',
      release: 'success',
      recover: 'skipped',
      report: 'success',
    });
    expect(answerOf(good)).toMatchObject({ decision: 'proceed', reason: 'released', 'live-version': good.version });
    expect(await platform.version()).toBe(good.version);
  });
});
