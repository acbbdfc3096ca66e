import type { Configuration } from '../config/configuration.ts';
import type { Finding } from '../core/finding.ts';
import type { StepBefore } from '../core/handover.ts';
import { composeReport, type Report, type ReportParts } from '../core/report.ts';
import { recordOutcome } from '../environment/deployments.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { whatBecameOfOwn } from '../environment/own-release.ts';
import { requireStateSecrets } from '../environment/sealed-state.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';

/**
 * The last step of a job that releases, whatever became of the others: what this run of the workflow began and did not
 * finish is undone, and its lease is given back. Needs no role. Does nothing when the run holds no lease any more: it was
 * finished, had begun nothing, or somebody else took over and settles it.
 */
export async function undoUnfinished(
  before: readonly StepBefore[],
  settings: Configuration,
  platform: Platform,
): Promise<Report> {
  const startedAt = platform.clock.now();
  const environment = await openEnvironment(settings, platform, { create: false });
  const close = (parts: ReportParts, subject?: { release: string; version: string }) =>
    composeReport('rollback', subjectOf(settings, subject), { startedAt, finishedAt: platform.clock.now() }, parts);
  const current = await environment.leases.current();
  const live = (await environment.book.live())?.record;
  if (current === undefined || !environment.leases.isOwn(current)) {
    const now = live === undefined ? 'nothing is live' : `${live.version} is live`;
    const own = await whatBecameOfOwn(environment);
    const summary =
      own === 'open'
        ? `somebody else took over what this run left; ${now}`
        : `this run left nothing unfinished; ${now}`;
    return close({ reason: 'nothing-to-undo', summary, record: { ...liveOf(live), own } });
  }
  if ((await environment.journal.open()).length > 0) requireStateSecrets(settings, '');
  const actor = platform.identity.actor;
  const lease = await environment.leases.acquire({ environment: settings.environment, purpose: 'recover', actor });
  try {
    return close(await undo(whyStopped(before), lease, environment), live);
  } finally {
    await lease.release();
  }
}

async function undo(because: string | undefined, lease: Lease, environment: Environment): Promise<ReportParts> {
  const { back, actions, failed } = await recover(lease, environment, because);
  await recordOutcome(environment);
  const live = (await environment.book.live())?.record;
  const stuck = failed?.failed;
  if (stuck !== undefined) {
    const message = stuck.result.outcome === 'failed' ? stuck.result.message : 'see its journal';
    const finding: Finding = {
      check: stuck.name,
      layer: 'release',
      outcome: 'fail',
      severity: 'critical',
      message,
      remedy: 'Mend what the message names, then run: holdfast recover',
    };
    const summary = `the way back failed: ${message}. A person is needed`;
    return { decision: 'stop', reason: 'unsafe', summary, findings: [finding] };
  }
  const own = await whatBecameOfOwn(environment);
  const now = live === undefined ? 'nothing is live, as before' : `${live.version} is live`;
  if (back === undefined) {
    const did = actions.length === 0 ? 'nothing had been changed' : actions.join('; ');
    return { reason: 'nothing-to-undo', summary: `${did}; ${now}`, record: { ...liveOf(live), own } };
  }
  const { data, dataReason, durationMs, writes, to } = back;
  const record = {
    ...liveOf(live),
    own,
    rollback: {
      ...(to === undefined ? {} : { to: { release: to.release, version: to.version } }),
      data,
      dataReason,
      durationMs,
    },
    writes,
  };
  return { reason: 'rolled-back', summary: `${now} again, data ${data}: ${dataReason}`, record };
}

/** What stopped the steps before, for the record of the release that is left; undefined when none said it. */
export function whyStopped(before: readonly StepBefore[]): string | undefined {
  const stopped = before.find(({ outcome, handover }) => handover?.decision === 'stop' || outcome === 'failure');
  if (stopped !== undefined) return stopped.handover?.summary ?? `the step ${stopped.name} failed or ran out of time`;
  return before.some(({ outcome }) => outcome === 'cancelled') ? 'the run was cancelled' : undefined;
}

function liveOf(live: { readonly release: string; readonly version: string } | undefined) {
  return { live: live === undefined ? null : { release: live.release, version: live.version } };
}
