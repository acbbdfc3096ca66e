import type { Configuration } from '../config/configuration.ts';
import type { Finding } from '../core/finding.ts';
import { composeReport, type Report } from '../core/report.ts';
import { recordOutcome } from '../environment/deployments.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { whatBecameOfOwn } from '../environment/own-release.ts';
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
  const busy = await waitForOthers(environment);
  if (busy !== undefined) {
    const times = { startedAt, finishedAt: platform.clock.now() };
    const record = { own: await whatBecameOfOwn(environment) };
    return composeReport('recover', subjectOf(settings), times, { reason: 'others-at-work', summary: busy, record });
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

/** As long as the job may take: who took over may have died too, and then it is this job that has to settle things. */
const WAIT_FOR_OTHERS_MS = 20 * 60_000;
const POLL_MS = 5000;

/**
 * The job of a workflow that comes after a release job which did not end well: a rollback by hand, or the next release, may
 * have taken over meanwhile. They are waited for. Answers who is still at work when the time is over; a person who asks for
 * a recovery does not wait.
 */
async function waitForOthers({ leases, settings, platform }: Environment): Promise<string | undefined> {
  if (platform.workflow?.admission === undefined) return undefined;
  const until = platform.clock.now() + WAIT_FOR_OTHERS_MS;
  for (;;) {
    const lease = await leases.current();
    if (lease === undefined || lease.purpose === 'hold' || leases.isOwn(lease)) return undefined;
    if (await leases.isStale(lease)) return undefined;
    const who = `a ${lease.purpose} by ${lease.owner.actor} works on ${settings.environment}`;
    if (platform.clock.now() >= until) return `${who} and has to settle what this run left`;
    platform.log.info(`${who}: waiting for its end`);
    await platform.clock.sleep(POLL_MS, platform.signal);
  }
}
