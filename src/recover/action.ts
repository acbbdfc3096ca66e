import type { Configuration } from '../config/configuration.ts';
import { callOf, isSameCall } from '../core/admission.ts';
import type { Finding } from '../core/finding.ts';
import { composeReport, type Report } from '../core/report.ts';
import { recordOutcome } from '../environment/deployments.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { requireStateSecrets } from '../environment/sealed-state.ts';
import { isLiveDown, startLive } from '../environment/start-live.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Walk } from '../journal/walk.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from './recover.ts';

/** `holdfast recover`: takes the lease, recovers, starts what is live and does not run, says what is live. Needs no role. */
export async function recoverEnvironment(settings: Configuration, platform: Platform): Promise<Report> {
  const startedAt = platform.clock.now();
  const environment = await openEnvironment(settings, platform, { create: true });
  const busy = await othersAtWork(environment);
  if (busy !== undefined) {
    const times = { startedAt, finishedAt: platform.clock.now() };
    return composeReport('recover', subjectOf(settings), times, { reason: 'others-at-work', summary: busy });
  }
  if ((await environment.journal.open()).length > 0) requireStateSecrets(settings, '');
  const actor = platform.identity.actor;
  const lease = await environment.leases.acquire({ environment: settings.environment, purpose: 'recover', actor });
  try {
    const { actions: undone, failed: stuck } = await recover(lease, environment);
    const live = await environment.book.live();
    const actions = [...undone];
    let failed = stuck;
    if (failed === undefined && live !== undefined && (await isLiveDown(environment))) {
      const started = await startLive(live.record.release, lease, environment);
      if (started.completed) actions.push(`started ${live.record.version}, which was live and did not run`);
      else failed = started;
    }
    await recordOutcome(environment);
    const times = { startedAt, finishedAt: platform.clock.now() };
    const subject = subjectOf(settings, live?.record);
    const now = live === undefined ? 'nothing is live' : `${live.record.version} is live (${live.record.state})`;
    const record = {
      live: live === undefined ? null : { release: live.record.release, version: live.record.version },
      actions,
      own: await whatBecameOfOwn(environment),
    };
    const findings = [...stuckFindings(failed), ...silentFindings(environment)];
    const [first] = findings;
    if (first !== undefined) {
      const did = actions.length === 0 ? '' : `${actions.join('; ')}; `;
      const summary = `${did}recovery stopped: ${first.message}. A person is needed`;
      return composeReport('recover', subject, times, { decision: 'stop', reason: 'unsafe', summary, findings });
    }
    return composeReport('recover', subject, times, {
      reason: actions.length === 0 ? 'nothing-to-recover' : 'recovered',
      summary: actions.length === 0 ? `no run was interrupted; ${now}` : `${actions.join('; ')}; ${now}`,
      record,
    });
  } finally {
    await lease.release();
  }
}

function stuckFindings(walk: Walk | undefined): Finding[] {
  if (walk?.failed?.result.outcome !== 'failed') return [];
  const { message, remedy = 'Mend what the message names, then run: holdfast recover' } = walk.failed.result;
  return [{ check: walk.failed.name, layer: 'release', outcome: 'fail', severity: 'critical', message, remedy }];
}

/** What runs on a machine that says nothing is not known: it may be what the others were brought back from. */
function silentFindings({ unreachable }: Environment): Finding[] {
  return unreachable.map(({ code, message, hint }) => ({
    check: code,
    layer: 'release',
    outcome: 'fail',
    severity: 'critical',
    message: `${message}, so what runs there is not known`,
    remedy: `${hint ?? ''} Then run: holdfast recover`.trim(),
  }));
}

/**
 * The job of a workflow that comes after a release job which did not end well: a rollback by hand, or the next release, may
 * have taken over meanwhile. They have settled what was left, or are about to; a person who asks for a recovery waits instead.
 */
async function othersAtWork({ leases, settings, platform }: Environment): Promise<string | undefined> {
  if (platform.workflow?.admission === undefined) return undefined;
  const lease = await leases.current();
  if (lease === undefined || lease.purpose === 'hold' || leases.isOwn(lease) || (await leases.isStale(lease)))
    return undefined;
  return `a ${lease.purpose} by ${lease.owner.actor} works on ${settings.environment} and settles what this run left`;
}

/**
 * What became of the release that this call of a workflow began, for the job that tells people: `nothing` when it had begun
 * none, `discarded` when that one had changed nothing.
 */
async function whatBecameOfOwn({
  book,
  journal,
  platform,
}: Environment): Promise<'nothing' | 'discarded' | 'undone' | 'good' | 'live'> {
  const call = callOf(platform.workflow);
  const own = (await book.list()).find(({ run }) => isSameCall(run, call));
  if (own === undefined) return 'nothing';
  if (own.state === 'good' || own.state === 'live') return own.state;
  return (await journal.read(own.release))?.touching.size === 0 ? 'discarded' : 'undone';
}
