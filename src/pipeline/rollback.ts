import { decideAccess } from '../authorize/authorize.ts';
import type { Configuration } from '../config/configuration.ts';
import { Interrupted, UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { timedId } from '../core/names.ts';
import { composeReport, type Report, type ReportParts } from '../core/report.ts';
import { recordOutcome } from '../environment/deployments.ts';
import { type Environment, openEnvironment, withSignal } from '../environment/environment.ts';
import { waitForStepInFlight } from '../environment/in-flight.ts';
import { backupBetween, goodReleaseNamed, lastGoodBefore, releasesBetween } from '../environment/releases.ts';
import { describeWrites } from '../environment/restore.ts';
import { revert, wasMigrated } from '../environment/revert.ts';
import { requireStateSecrets } from '../environment/sealed-state.ts';
import { endRun } from '../environment/settle.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { LeaseRecord } from '../journal/lease-record.ts';
import type { Walk } from '../journal/walk.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';
import type { LiveRelease, ReleaseRecord } from '../targets/target.ts';
import { openStageBook, type StageBook } from './stages.ts';

export interface RollbackRequest {
  /** A good release by id or version; the last good one when absent. */
  readonly to: string | undefined;
  /** What becomes of the data; by the policy when absent. */
  readonly data: 'restore' | 'keep' | undefined;
  readonly reason: string | undefined;
  /**
   * Takes the environment from a release that is at work, and leaves a hold: a release that waits would undo it otherwise.
   */
  readonly hold?: boolean;
}

export const ROLLBACK_REASONS = [
  'rolled-back',
  'nothing-to-roll-back',
  'nothing-to-undo',
  'unsafe',
  'no-role',
  'no-policy',
] as const;

/** A rollback by hand: the same steps as an automatic one, to the last good release or a named one. */
export async function rollback(request: RollbackRequest, settings: Configuration, platform: Platform): Promise<Report> {
  const startedAt = platform.clock.now();
  const actor = platform.identity.actor;
  const stages = openStageBook(platform);
  const close = (parts: ReportParts, subject?: { release: string; version: string }) =>
    composeReport(
      'rollback',
      subjectOf(settings, subject),
      { startedAt, finishedAt: platform.clock.now() },
      {
        ...parts,
        findings: [...stages.findings, ...(parts.findings ?? [])],
      },
    );
  const access = await stages.run('authorize', async () => {
    const decided = decideAccess({ actor, action: 'rollback', access: settings.access, now: startedAt });
    return { ...decided, summary: decided.message };
  });
  if (access.decision === 'stop') return close({ decision: 'stop', reason: access.reason, summary: access.summary });
  const environment = await openEnvironment(settings, platform, { create: true });
  if (request.data !== 'keep' || (await environment.journal.open()).length > 0) {
    requireStateSecrets(settings, ', or keep the data: --data keep');
  }
  const lease = await takeLease(request, environment);
  // Where nothing comes of it nothing can be undone by a release that waits, and no hold is left.
  let hasChanged = lease.preempted !== undefined;
  try {
    if (lease.preempted !== undefined) await letEnd(lease.preempted, environment);
    const recovered = await recover(lease, environment);
    hasChanged ||= recovered.actions.length > 0 || recovered.failed !== undefined;
    if (recovered.failed !== undefined) {
      // A way back that cannot be walked must not bar every other one: a person who names release and data replaces it.
      if (request.to === undefined || request.data === undefined) return close(stuck(recovered.failed, stages));
      for (const { header } of await environment.journal.open()) await endRun(header.run, 'unsafe', environment);
    }
    const { back } = recovered;
    // A release that was never promoted was being rolled back: that is what was asked for.
    if (back !== undefined && request.to === undefined) {
      const live = back.to === undefined ? null : { release: back.to.release, version: back.to.version };
      const { data, dataReason, durationMs, writes } = back;
      const record = {
        live,
        steps: stages.steps,
        rollback: { data, dataReason, durationMs, ...(live === null ? {} : { to: live }) },
        writes,
      };
      return close({ reason: 'rolled-back', summary: recovered.actions.join('; '), record }, live ?? undefined);
    }
    const live = await environment.book.live();
    const to =
      request.to === undefined
        ? await lastGoodBefore(live?.record.release, environment)
        : await goodReleaseNamed(request.to, environment);
    if (to === undefined || to.release === live?.record.release) {
      const summary = to === undefined ? 'there is no good release to roll back to' : `${to.version} is live already`;
      return close(
        { decision: 'stop', reason: 'nothing-to-roll-back', summary: [...recovered.actions, summary].join('; ') },
        live?.record,
      );
    }
    if (live !== undefined && (await isLater(to, live.record, environment))) {
      throw new UserError(
        'not-a-way-back',
        `${to.version} came after ${live.record.version}, which is live: that is no rollback`,
        {
          hint: `Its migrations have to run again: holdfast release --version ${to.version}`,
        },
      );
    }
    hasChanged = true;
    return close(await rollBackTo(to, live, { request, environment, lease, actor, stages }), live?.record);
  } finally {
    await recordOutcome(environment);
    await lease.release(hasChanged ? undefined : 'undone');
  }
}

async function takeLease({ hold = false, reason }: RollbackRequest, environment: Environment): Promise<Lease> {
  const { settings, platform, leases } = environment;
  const { actor } = platform.identity;
  const asked = { environment: settings.environment, purpose: 'rollback' as const, actor };
  if (!hold) return leases.acquire(asked);
  return leases.acquire({ ...asked, preempts: true, leavesHold: reason ?? 'rolled back by hand' });
}

/** From here on nobody else settles what the release has begun: it is waited for although somebody cancels this run. */
async function letEnd(owner: LeaseRecord, interrupted: Environment): Promise<void> {
  const { platform, settings } = interrupted;
  platform.log.warn(`took ${settings.environment} from the release by ${owner.owner.actor} that was at work`);
  const step = await waitForStepInFlight(owner, withSignal(interrupted, new AbortController().signal));
  if (step !== undefined) platform.log.warn(`its step ${step} was not seen to end within its time`);
}

function stuck({ failed }: Walk, { steps }: StageBook): ReportParts {
  const message = failed?.result.outcome === 'failed' ? failed.result.message : 'see its journal';
  const finding: Finding = {
    check: failed?.name ?? 'recover',
    layer: 'release',
    outcome: 'fail',
    severity: 'critical',
    message,
    remedy:
      'Mend what the message names and run "holdfast recover", or go another way: holdfast rollback --to RELEASE --data keep',
  };
  const summary = `a run that did not end could not be undone: ${message}`;
  return { decision: 'stop', reason: 'unsafe', summary, findings: [finding], record: { steps } };
}

/** Ids sort by time, but for a clock that was set back: what the live release came after is never later. */
async function isLater(to: ReleaseRecord, live: ReleaseRecord, environment: Environment): Promise<boolean> {
  if (to.release < live.release) return false;
  return (await releasesBetween(live.release, to.release, environment)).length === 0;
}

interface Rolling {
  readonly request: RollbackRequest;
  readonly environment: Environment;
  readonly lease: Lease;
  readonly actor: string;
  readonly stages: StageBook;
}

async function rollBackTo(to: ReleaseRecord, live: LiveRelease | undefined, rolling: Rolling): Promise<ReportParts> {
  const { environment, lease, actor, stages, request } = rolling;
  const { platform } = environment;
  const startedAt = platform.clock.now();
  const { backup, why } = await chooseData(to, live, request, environment);
  const run = timedId('rb', startedAt, platform.random.hex(2));
  // A release that was good stays one that a person may return to; one that was not is bad now.
  const said = request.reason === undefined ? `rolled back by ${actor}` : `rolled back by ${actor}: ${request.reason}`;
  const failure = live?.record.state === 'good' ? undefined : said;
  if (platform.signal.aborted) throw new Interrupted();
  // From here on it ends well although somebody presses Ctrl-C: nothing may run in the middle of it.
  const uninterrupted = withSignal(environment, new AbortController().signal);
  const reverted = await stages.run('rollback', async () => {
    const result = await revert(
      { run, from: live?.record.release, to: to.release, backup, actor, failure },
      lease,
      uninterrupted,
    );
    const failed = result.walk.failed?.result;
    return failed?.outcome === 'failed'
      ? { decision: 'stop' as const, reason: failed.reason, summary: failed.message, ...result }
      : { decision: 'proceed' as const, reason: 'rolled-back', summary: `${to.version} is live again`, ...result };
  });
  const data = backup === undefined ? 'kept' : 'restored';
  const record = {
    live: { release: to.release, version: to.version },
    steps: stages.steps,
    rollback: {
      ...(live === undefined ? {} : { from: { release: live.record.release, version: live.record.version } }),
      to: { release: to.release, version: to.version },
      data,
      dataReason: why,
      reason: said,
      durationMs: platform.clock.now() - startedAt,
    },
    writes: reverted.writes,
  };
  if (reverted.decision === 'stop') {
    const finding: Finding = {
      check: reverted.walk.failed?.name ?? 'rollback',
      layer: 'release',
      outcome: 'fail',
      severity: 'critical',
      message: reverted.summary,
      remedy: 'Mend what the message names, then run: holdfast recover',
    };
    const summary = `the rollback to ${to.version} failed: ${reverted.summary}. A person is needed`;
    return { decision: 'stop', reason: 'unsafe', summary, findings: [finding], record: { ...record, live: undefined } };
  }
  const lost = backup === undefined ? undefined : describeWrites(reverted.writes);
  const without = lost === undefined ? '' : ` (written since the backup and not in it: ${lost})`;
  return { reason: 'rolled-back', summary: `${to.version} is live again, data ${data}: ${why}${without}`, record };
}

/**
 * Whether the data goes back. A release that was good may have taken writes for days: where its schema changed and the
 * old code may not understand it, the user has to say which loss is the smaller one.
 */
async function chooseData(
  to: ReleaseRecord,
  live: LiveRelease | undefined,
  { data }: RollbackRequest,
  environment: Environment,
): Promise<{ backup: string | undefined; why: string }> {
  if (data === 'keep') return { backup: undefined, why: 'as asked for' };
  const backup = live === undefined ? undefined : await backupBetween(live.record.release, to.release, environment);
  if (data === 'restore') {
    if (backup !== undefined) return { backup, why: 'as asked for' };
    throw new UserError('no-backup', `there is no backup of the data as ${to.version} left it`, {
      hint: 'Roll back with --data keep, or restore one by hand: holdfast backup list',
    });
  }
  const policy = environment.settings.backup.on_rollback;
  if (policy === 'never' || backup === undefined || live === undefined) {
    return {
      backup: undefined,
      why: backup === undefined ? 'no backup lies between the two' : 'backup.on_rollback is never',
    };
  }
  const undone = await releasesBetween(live.record.release, to.release, environment);
  const deploys = await Promise.all(undone.map(({ release }) => environment.journal.read(release)));
  const { fingerprints } = await environment.book.capsule(undone.at(-1)?.release ?? live.record.release);
  const { migrated, why } = await wasMigrated(deploys, fingerprints, environment);
  if (policy === 'restore-if-migrated' && !migrated) return { backup: undefined, why };
  if (live.record.state !== 'good') return { backup, why };
  throw new UserError(
    'say-data',
    `${live.record.version} was good and may have taken writes since ${live.record.changedAt}, and ${policy === 'always' ? 'backup.on_rollback is always' : why}`,
    {
      hint: `Say what becomes of the data: --data restore (back to ${backup}, later writes are lost) or --data keep.`,
    },
  );
}
