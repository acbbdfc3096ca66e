import { timedId } from '../core/names.ts';
import type { Lease } from '../journal/lease.ts';
import type { Walk } from '../journal/walk.ts';
import { type Environment, sitesOf } from './environment.ts';
import { revert } from './revert.ts';
import { endRun } from './settle.ts';
import { serviceStatuses } from './status.ts';

/** True when nothing of some live service runs on some machine: after a reboot, a crash or a stop. */
export async function isLiveDown(environment: Environment): Promise<boolean> {
  for (const site of sitesOf(environment)) {
    const statuses = await serviceStatuses(site);
    if (statuses.some(({ instances }) => !instances.some(({ alive }) => alive))) return true;
  }
  return false;
}

/**
 * Starts what is live and does not run; what runs is left alone. One that fails is over: nothing is half changed, and a
 * version that does not start any more must not keep the next one from being released.
 */
export async function startLive(release: string, lease: Lease, environment: Environment): Promise<Walk> {
  const { platform } = environment;
  const run = timedId('rs', platform.clock.now(), platform.random.hex(2));
  const request = { run, from: undefined, to: release, backup: undefined, failure: undefined };
  const { walk } = await revert({ ...request, actor: lease.record.owner.actor }, lease, environment);
  if (!walk.completed) await endRun(run, 'unsafe', environment);
  return walk;
}
