import { join } from 'node:path';
import { accessFinding, decideAccess } from '../authorize/authorize.ts';
import { createBackup } from '../backup/backup.ts';
import type { Configuration } from '../config/configuration.ts';
import { formatDuration } from '../core/duration.ts';
import { errorMessage, Interrupted, UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { timedId } from '../core/names.ts';
import { composeReport, type Report, type ReportParts } from '../core/report.ts';
import { type Environment, openEnvironment, withSignal } from '../environment/environment.ts';
import { describeWrites } from '../environment/restore.ts';
import { type Reverted, revert } from '../environment/revert.ts';
import { subjectOf } from '../environment/subject.ts';
import type { JournalRun } from '../journal/journal.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';
import { recordOf } from '../sources/backup.ts';
import { readManifest, readProof } from '../sources/catalog.ts';
import type { Manifest } from '../sources/manifest.ts';
import type { LiveRelease } from '../targets/target.ts';
import { describeLosses } from './losses.ts';

export interface RestoreRequest {
  readonly backup: string;
  /** Names of `state` to put back; with `service` those of that service; all that the backup holds when both are absent. */
  readonly sources: readonly string[];
  readonly service: string | undefined;
  /** The word of a person that what was written since may be lost. */
  readonly yes: boolean;
}

export const RESTORE_REASONS = ['restored', 'unsafe', 'no-role'] as const;

/**
 * Puts the state back as it is in a backup, under the release that is live: stops all services, keeps what was there
 * aside, restores, verifies, starts the live release again. What was there before is backed up first where that can be
 * done. Killed on the way, `recover` finishes it. Rejects with UserError when somebody has to say more.
 */
export async function restore(request: RestoreRequest, settings: Configuration, platform: Platform): Promise<Report> {
  const startedAt = platform.clock.now();
  const actor = platform.identity.actor;
  const close = (parts: ReportParts, live?: LiveRelease) => {
    const times = { startedAt, finishedAt: platform.clock.now() };
    return composeReport('backup restore', subjectOf(settings, live?.record), times, parts);
  };
  const access = decideAccess({ actor, action: 'restore', access: settings.access, now: startedAt });
  const findings = [accessFinding(access)];
  if (access.decision === 'stop') {
    return close({ decision: 'stop', reason: access.reason, summary: access.message, findings });
  }
  const environment = await openEnvironment(settings, platform, { create: true });
  const manifest = await readManifest(request.backup, environment.store);
  const sources = chooseSources(request, manifest, settings);
  await refuseForeignHold(actor, environment);
  const lease = await environment.leases.acquire({ environment: settings.environment, purpose: 'change', actor });
  try {
    const unsafe = await settleOpenRuns(lease, environment);
    const live = await environment.book.live();
    if (unsafe !== undefined) return close({ ...unsafe, findings: [...findings, ...(unsafe.findings ?? [])] }, live);
    const parts = await restoreUnder({ request, manifest, sources, actor, live, lease }, environment);
    return close({ ...parts, findings: [...findings, ...(parts.findings ?? [])] }, live);
  } finally {
    await lease.release();
  }
}

/** Throws UserError `no-such-state` for what the backup does not hold. */
function chooseSources(
  { sources, service, backup }: RestoreRequest,
  manifest: Manifest,
  { state }: Configuration,
): string[] {
  const held = manifest.sources.map(({ name }) => name);
  const missing = sources.find((name) => !held.includes(name));
  if (missing !== undefined) {
    throw new UserError('no-such-state', `${backup} holds no ${missing}`, { hint: `It holds ${held.join(', ')}.` });
  }
  const belongs = (name: string) => {
    const own = state[name];
    return service === undefined || (own !== undefined && 'service' in own && own.service === service);
  };
  const chosen = held.filter((name) => (sources.length === 0 || sources.includes(name)) && belongs(name));
  if (chosen.length > 0) return chosen;
  const what = service === undefined ? 'nothing' : `nothing that belongs to the service ${service}`;
  throw new UserError('no-such-state', `${backup} holds ${what}`, {
    hint: `It holds ${held.join(', ')}; name them with --source.`,
  });
}

/** A change runs under a hold, so that copies are still made; to replace data under somebody else's hold is another thing. */
async function refuseForeignHold(actor: string, { leases, settings }: Environment): Promise<void> {
  const lease = await leases.current();
  if (lease?.purpose !== 'hold' || lease.owner.actor === actor) return;
  const why = lease.reason === undefined ? '' : ` (${lease.reason})`;
  throw new UserError(
    'environment-held',
    `${settings.environment} is held by ${lease.owner.actor} since ${lease.acquiredAt}${why}`,
    { hint: 'Speak with that person; free it with: holdfast lock release' },
  );
}

/** Finishes or undoes what was killed. Answers why nothing can be restored now; throws where a person has to decide first. */
async function settleOpenRuns(lease: Lease, environment: Environment): Promise<ReportParts | undefined> {
  const open = await environment.journal.open();
  const undecided = open.find(
    ({ marks }) => marks.has('deployed') && !marks.has('promoted') && !marks.has('rolling-back'),
  );
  if (undecided !== undefined) {
    throw new UserError('awaiting-verdict', `${undecided.header.run} is live and neither good nor bad yet`, {
      hint: 'Decide first: holdfast promote, or holdfast rollback (which can bring the data back too).',
    });
  }
  // A restore that failed on its own data would fail again: the next one takes its place.
  if (open.length > 0 && open.every(isFailedRestore)) return undefined;
  const { failed } = await recover(lease, environment);
  const result = failed?.failed?.result;
  if (failed === undefined) return undefined;
  const message = result?.outcome === 'failed' ? result.message : 'see its journal';
  return {
    decision: 'stop',
    reason: 'unsafe',
    summary: `a killed run could not be undone, so nothing was restored: ${message}. A person is needed`,
  };
}

function isFailedRestore({ header, lines }: JournalRun): boolean {
  const last = lines.at(-1);
  return header.sources !== undefined && last?.line === 'result' && last.outcome === 'failed';
}

interface Restoring {
  readonly request: RestoreRequest;
  readonly manifest: Manifest;
  readonly sources: readonly string[];
  readonly actor: string;
  readonly live: LiveRelease | undefined;
  readonly lease: Lease;
}

async function restoreUnder(restoring: Restoring, environment: Environment): Promise<ReportParts> {
  const { request, manifest, sources, actor, live, lease } = restoring;
  const { platform, layout, machine } = environment;
  const startedAt = platform.clock.now();
  const run = timedId('rs', startedAt, platform.random.hex(2));
  try {
    const losses = await describeLosses(manifest, sources, join(layout.scratch, run), live, environment);
    if (losses.length > 0 && !request.yes) {
      throw new UserError('say-yes', `to restore ${manifest.id} is to lose something: ${losses.join('; ')}`, {
        hint: 'Say that it may be lost with --yes.',
      });
    }
    const { safety, findings } = losses.length === 0 ? { findings: [] } : await backUpWhatIsThere(environment);
    if (platform.signal.aborted) throw new Interrupted();
    // From here on it ends well although somebody presses Ctrl-C.
    const reverted = await revert(
      {
        run,
        from: undefined,
        to: live?.record.release,
        backup: manifest.id,
        sources,
        actor,
        failure: undefined,
      },
      lease,
      withSignal(environment, new AbortController().signal),
    );
    const tookMs = platform.clock.now() - startedAt;
    const told = tell(restoring, reverted, safety, tookMs);
    const proof = await readProof(manifest.id, environment.store);
    const record = {
      live: told.reason === 'unsafe' ? undefined : live === undefined ? null : nameOf(live),
      backup: { ...recordOf(manifest), ...(proof === undefined ? {} : { proof }) },
      restore: { sources, durationMs: tookMs, aside: layout.aside(run), ...(safety === undefined ? {} : { safety }) },
      writes: reverted.writes,
    };
    return { ...told, findings: [...findings, ...(told.findings ?? [])], record };
  } catch (error) {
    if (!(await wasBegun(run, environment))) await machine.files.remove(join(layout.scratch, run));
    throw error;
  }
}

async function wasBegun(run: string, { journal }: Environment): Promise<boolean> {
  return (await journal.read(run)) !== undefined;
}

/** So that this restore can itself be taken back. A state that is too broken to be copied is kept aside only. */
async function backUpWhatIsThere(
  environment: Environment,
): Promise<{ readonly safety?: string; readonly findings: readonly Finding[] }> {
  try {
    const { id } = await createBackup(environment);
    return { safety: id, findings: [] };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const finding: Finding = {
      check: 'backup-before-restore',
      layer: 'release',
      outcome: 'warn',
      severity: 'medium',
      message: `what was there before could not be backed up and was only kept aside: ${errorMessage(error)}`,
    };
    return { findings: [finding] };
  }
}

function tell(
  { manifest, sources, live }: Restoring,
  { walk, writes }: Reverted,
  safety: string | undefined,
  tookMs: number,
): ReportParts {
  const failed = walk.failed?.result;
  if (failed?.outcome === 'failed') {
    const back =
      safety === undefined ? '' : `, or put back what was there before: holdfast backup restore ${safety} --yes`;
    const finding: Finding = {
      check: walk.failed?.name ?? 'restore',
      layer: 'release',
      outcome: 'fail',
      severity: 'critical',
      message: failed.message,
      remedy: `Mend what the message names and run "holdfast recover"${back}.`,
    };
    const summary = `the restore of ${manifest.id} failed: ${failed.message}. A person is needed`;
    return { decision: 'stop', reason: 'unsafe', summary, findings: [finding] };
  }
  const now = live === undefined ? 'nothing is live, as before' : `${live.record.version} is live again`;
  const lost = describeWrites(writes);
  const without = lost === undefined ? '' : ` (written since the backup and not in it: ${lost})`;
  const before = safety === undefined ? '' : `; what was there before is in ${safety}`;
  const summary = `${sources.join(', ')} as of ${manifest.createdAt}; ${now} after ${formatDuration(tookMs)}${without}${before}`;
  return { reason: 'restored', summary };
}

function nameOf({ record: { release, version } }: LiveRelease): { release: string; version: string } {
  return { release, version };
}
