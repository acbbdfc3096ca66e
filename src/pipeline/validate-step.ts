import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { countOutcomes } from '../core/finding.ts';
import type { Report, ReportParts } from '../core/report.ts';
import type { Environment } from '../environment/environment.ts';
import { requireLive } from '../environment/releases.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { validateStage } from './judges.ts';
import { openStep, underStepLease } from './step.ts';

/** What the step `validate` hands on: which release it was, and how many of its checks ended how. */
export const ValidatedRecord = z.object({
  live: z.object({ release: z.string(), version: z.string() }),
  validation: z.object({ pass: z.int(), warn: z.int(), fail: z.int(), skipped: z.int(), unknown: z.int() }),
});

/** The step `validate` of a release: asks every check of what is live, and holds the lease of its workflow meanwhile. */
export async function validateForRelease(settings: Configuration, platform: Platform): Promise<Report> {
  const run = openStep(settings, platform);
  const work = async (lease: Lease, environment: Environment): Promise<ReportParts> => {
    const { release, version } = (await requireLive(environment)).record;
    const { decision, reason, summary, findings } = await validateStage(run, environment);
    // It may have taken long: what was looked at must still be ours.
    await lease.assertHeld();
    const record = { live: { release, version }, validation: countOutcomes(findings) };
    return { decision, reason, summary: `${version}: ${summary}`, findings, record };
  };
  return underStepLease({ action: 'validate', run, subject: subjectOf(settings), way: 'take-up', lease: 'keep', work });
}
