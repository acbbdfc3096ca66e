import { formatDuration } from '../../core/duration.ts';
import { Interrupted } from '../../core/errors.ts';
import { readVersion } from '../../core/json-path.ts';
import { DONE, type StepProgress, type StepResult } from '../../core/step.ts';
import type { Machine } from '../../machines/machine.ts';
import type { HttpSession } from '../../platform/http.ts';
import type { ExitStatus } from '../../platform/processes.ts';
import { portsOf, type ServiceSettings } from '../settings.ts';
import type { InstanceRecord, Startable } from './instances.ts';

interface Watching {
  readonly machine: Machine;
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  exit(instance: InstanceRecord): Promise<ExitStatus | undefined>;
  /** The last lines of the service's log. */
  logTail(): Promise<string>;
}

type Answer = { readonly good: true } | { readonly good: false; readonly why: string };

/**
 * Waits until the service has given its streak of good answers, or, without a path, until the same processes have lived
 * for `alive`. An answer counts only when one of these instances listens on the port, and, where `health.version` is set,
 * when the version given on the same connection is the released one. An exit, with whatever status, is a failure at once.
 */
export async function waitUntilHealthy(
  startable: Startable,
  instances: readonly InstanceRecord[],
  progress: StepProgress,
  watching: Watching,
): Promise<StepResult> {
  const { service, settings } = startable;
  const { health } = settings;
  const address = addressOf(settings);
  const startedAt = watching.now();
  const needed = address !== undefined && health.path !== undefined ? health.streak : 1;
  let streak = 0;
  let last = 'no answer yet';
  for (;;) {
    const ended = await findEnded(instances, watching);
    if (ended !== undefined) {
      return failed('exited', `${service} ${ended} while it was starting`, await watching.logTail());
    }
    const elapsed = watching.now() - startedAt;
    if (address !== undefined && health.path !== undefined) {
      const answer = await askOnce(startable, instances, address, watching);
      if (answer.good) {
        streak += 1;
        progress.progress(streak, needed, 'good answers');
        if (streak >= needed) return DONE;
      } else {
        streak = 0;
        last = answer.why;
      }
    } else if (elapsed >= health.alive) {
      const listening = address === undefined || (await ourPortIsOpen(address.port, instances, watching.machine));
      if (listening) return DONE;
      last = `nothing of ${service} listens on port ${address?.port}`;
    } else {
      progress.progress(Math.round(elapsed / 100) / 10, health.alive / 1000, 's alive');
    }
    if (elapsed >= Math.max(health.timeout, health.path === undefined ? health.alive + 5000 : 0)) {
      const message = `${service} was not healthy within ${formatDuration(health.timeout)}: ${last}`;
      return failed('never-healthy', message, await watching.logTail());
    }
    const rest =
      health.path === undefined ? Math.min(health.interval, Math.max(50, health.alive - elapsed)) : health.interval;
    // The first good answer is sought quickly; only the streak after it keeps the interval.
    await watching.wait(streak === 0 && health.path !== undefined ? Math.min(rest, 50 + elapsed / 10) : rest);
  }
}

function failed(reason: string, message: string, logTail: string): StepResult {
  return {
    outcome: 'failed',
    reason,
    message,
    remedy: logTail === '' ? 'It wrote nothing to its log.' : `The end of its log: ${logTail}`,
  };
}

async function findEnded(instances: readonly InstanceRecord[], watching: Watching): Promise<string | undefined> {
  for (const instance of instances) {
    if (await watching.machine.processes.isAlive(instance.process)) continue;
    const exit = (await watching.exit(instance)) ?? (await exitSoon(instance, watching));
    if (exit?.status === 127) return 'exited with status 127 (command not found)';
    if (exit?.status !== undefined) return `exited with status ${exit.status}`;
    if (exit?.signal !== undefined) return `was ended by ${exit.signal}`;
    return 'ended';
  }
  return undefined;
}

/** How a process ended is told a moment after it has ended. */
async function exitSoon(instance: InstanceRecord, { wait, exit }: Watching): Promise<ExitStatus | undefined> {
  await wait(100);
  return exit(instance);
}

interface Address {
  readonly origin: string;
  readonly port: number;
}

/** Where the health path is asked; undefined for a service without ports. */
function addressOf({ run, health }: ServiceSettings): Address | undefined {
  const ports = portsOf(run);
  const port = health.port === undefined ? ports[0] : ports.find(([name]) => name === health.port);
  return port === undefined ? undefined : { origin: originOf(run.host, port[1]), port: port[1] };
}

/** `http://127.0.0.1:3000`; an address that means "all" is asked on loopback. */
export function originOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

async function askOnce(
  { settings, version }: Startable,
  instances: readonly InstanceRecord[],
  address: Address,
  { machine, signal }: Watching,
): Promise<Answer> {
  const { health } = settings;
  const session = machine.http.openSession();
  try {
    if (health.version !== undefined) {
      const given = await get(
        machine,
        session,
        `${address.origin}${health.version.path}`,
        health.request_timeout,
        signal,
      );
      if ('why' in given) return { good: false, why: given.why };
      const found = readVersion(given.body, health.version.json);
      if (found !== version) {
        return {
          good: false,
          why: `${health.version.path} answers version ${JSON.stringify(found ?? null)}, not ${version}`,
        };
      }
    }
    const answer = await get(machine, session, `${address.origin}${health.path}`, health.request_timeout, signal);
    if ('why' in answer) return { good: false, why: answer.why };
    if (answer.status < 200 || answer.status > 299)
      return { good: false, why: `${health.path} answers ${answer.status}` };
    if (!(await ourPortIsOpen(address.port, instances, machine))) {
      return { good: false, why: `another process answers on port ${address.port}` };
    }
    return { good: true };
  } finally {
    session.close();
  }
}

async function get(
  machine: Machine,
  session: HttpSession,
  url: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ status: number; body: string } | { why: string }> {
  try {
    return await machine.http.request({ url, timeoutMs, session }, signal);
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    return { why: `${new URL(url).pathname} gives no answer (${error instanceof Error ? error.message : error})` };
  }
}

/** True when a process of one of these instances' groups listens on the port. */
async function ourPortIsOpen(port: number, instances: readonly InstanceRecord[], machine: Machine): Promise<boolean> {
  const { pids } = await machine.processes.listeners(port);
  for (const instance of instances) {
    const members = await machine.processes.groupMembers(instance.process);
    if (members.some((pid) => pids.includes(pid))) return true;
  }
  return false;
}
