import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Report, ReportParts } from '../core/report.ts';
import type { Environment } from '../environment/environment.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';
import { backupStage } from './judges.ts';
import { openRun } from './run.ts';
import { NOT_UNDONE, underStepLease } from './step.ts';

/** What the step `backup` hands on to the step `deploy`. */
export const SafetyNetRecord = z.object({
  /** Null where there is no state, or no backup could be taken. */
  backup: z.string().nullable(),
  withoutProof: z.string().optional(),
});

/**
 * The step `backup` of a release: takes the lease, settles what earlier runs left, copies the state and proves the copy.
 * Without a proof it stops, unless somebody with the role approver says why not.
 */
export async function backupForRelease(
  withoutProof: string | undefined,
  settings: Configuration,
  platform: Platform,
): Promise<Report> {
  const run = openRun({ version: '', service: undefined, withoutProof }, settings, platform);
  const work = async (lease: Lease, environment: Environment): Promise<ReportParts> => {
    const recovered = await recover(lease, environment);
    if (recovered.failed !== undefined) return NOT_UNDONE;
    const {
      decision,
      reason,
      summary,
      findings,
      backup,
      proof,
      withoutProof: why,
    } = await backupStage(run, environment);
    const net = { backup: backup?.id ?? null, ...(why === undefined ? {} : { withoutProof: why }) };
    const copy = backup === undefined ? {} : { backup: { ...backup, ...(proof === undefined ? {} : { proof }) } };
    const settled = recovered.actions.length === 0 ? {} : { recovered: recovered.actions };
    return {
      decision,
      reason,
      summary: [...recovered.actions, summary].join('; '),
      ...(findings === undefined ? {} : { findings }),
      record: { net, ...settled, ...copy },
    };
  };
  return underStepLease({ action: 'backup', run, subject: subjectOf(settings), way: 'begin', lease: 'keep', work });
}
