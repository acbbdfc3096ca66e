import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import { composeReport, type Report, type ReportParts, type Subject } from '../core/report.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { authorizeStage } from './judges.ts';
import { openRun, type ReleaseRun } from './run.ts';

/** What becomes of the lease when a step ends. */
export const LeaseAfter = z.enum(['free', 'keep']);
export type LeaseAfter = z.infer<typeof LeaseAfter>;

/** The input of a step of a job that releases. */
export const leaseInput = LeaseAfter.prefault('free').meta({
  description:
    'What becomes of the lease afterwards. keep: it stays with this run of the workflow for its next steps, the last of which must be `rollback` with automatic: true',
});

export interface StepUnderLease {
  readonly action: string;
  readonly run: ReleaseRun;
  readonly subject: Subject;
  readonly lease: LeaseAfter;
  readonly work: (lease: Lease, environment: Environment) => Promise<ReportParts>;
}

/** A run of one step, which releases nothing by itself. */
export function openStep(settings: Configuration, platform: Platform): ReleaseRun {
  return openRun({ version: '', service: undefined, withoutProof: undefined }, settings, platform);
}

/** One step of a release alone: who asks and may they, then the lease, then `work`. */
export async function underStepLease({ action, run, subject, lease: after, work }: StepUnderLease): Promise<Report> {
  const { settings, platform, actor, startedAt } = run;
  if (after === 'keep' && platform.workflow === undefined) {
    throw new UserError('no-workflow', 'lease: keep needs the run of a workflow, whose next step takes it up', {
      hint: 'Leave the input out, and give the step the input github-token.',
    });
  }
  const access = await authorizeStage(run);
  const close = (parts: ReportParts) =>
    composeReport(action, subject, { startedAt, finishedAt: platform.clock.now() }, parts);
  if (access.decision === 'stop') {
    const { decision, reason, summary, findings = [] } = access;
    return close({ decision, reason, summary, findings });
  }
  const environment = await openEnvironment(settings, platform, { create: true });
  const lease = await environment.leases.acquire({ environment: settings.environment, purpose: 'release', actor });
  try {
    return close(await work(lease, environment));
  } finally {
    if (after === 'keep') await lease.keep();
    else await lease.release();
  }
}
