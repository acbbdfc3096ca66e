import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Baseline, isBaselineIntact } from '../../src/checks/baseline.ts';
import { Report } from '../../src/core/report.ts';
import { unzip } from '../support/github/zip.ts';
import type { Outcome } from './harness.ts';
import { findLeaks } from './leaks.ts';
import { answerOf, aPlatformOnGithub, type PlatformOnGithub, resultsOf, SENTINEL, WEBHOOK } from './platform.ts';

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

  it('keeps the baseline and the report with the run, without a secret', () => {
    const { github } = platform.caller;
    const kept = new Map(github.world.artifacts.map(({ name, bytes }) => [name, unzip(bytes)]));
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
