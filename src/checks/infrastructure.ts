import type { Machine } from '../machines/machine.ts';
import type { Instance, ServiceStatus } from '../targets/target.ts';
import type { Check, Observed } from './check.ts';
import { findingOf } from './finding.ts';
import { type Asked, createProbe } from './probe.ts';

/** Long enough to see a process that dies at once, short enough that nobody waits for it. */
const WATCH_MS = 1000;
const PORT_TIMEOUT_MS = 2000;
const GIB = 1024 ** 3;

interface Lives {
  readonly expected: number;
  readonly alive: number;
  /** Of those, how many are still the same process a second later. */
  readonly stayed: number;
}

/**
 * Every instance that the release started is alive and stays the same process. It takes its turn last, so that it also
 * sees a process that the questions of other checks have ended.
 */
export function processCheck(service: string, instances: number, observed: Observed): Check<Lives> {
  const check = { id: `process-running:${service}`, layer: 'infrastructure', turn: 'last' } as const;
  const { machine, clock, services } = observed;
  const started = statusOf(services, service)?.instances ?? [];
  return {
    ...check,
    async collect(signal) {
      const alive = await aliveOf(started, machine);
      await clock.sleep(WATCH_MS, signal);
      const stayed = await aliveOf(alive, machine);
      return { expected: instances, alive: alive.length, stayed: stayed.length };
    },
    evaluate(lives) {
      const measured = { ...lives };
      if (lives.alive >= lives.expected && lives.stayed === lives.alive) {
        const message = `${service} runs in ${lives.alive} of ${lives.expected} processes`;
        return [findingOf(check, { outcome: 'pass', message, measured })];
      }
      const message =
        lives.alive < lives.expected
          ? `${service} runs in ${lives.alive} instead of ${lives.expected} processes`
          : `${lives.alive - lives.stayed} of ${lives.alive} processes of ${service} ended within a second`;
      const log = statusOf(services, service)?.logFile;
      const remedy = log === undefined ? 'Nothing of it is recorded as started.' : `Look at the end of ${log}.`;
      return [findingOf(check, { outcome: 'fail', severity: 'critical', message, measured, remedy })];
    },
  };
}

async function aliveOf(instances: readonly Instance[], { processes }: Machine): Promise<Instance[]> {
  const alive = await Promise.all(instances.map(({ process }) => processes.isAlive(process)));
  return instances.filter((_, index) => alive[index]);
}

interface PortSeen {
  readonly asked: Asked;
  readonly listening: boolean;
  readonly owner: 'ours' | 'other' | 'hidden';
}

/** The port takes connections, and the process behind it belongs to the service. */
export function portCheck(service: string, name: string, port: number, observed: Observed): Check<PortSeen> {
  const check = { id: `port-open:${service}:${name}`, layer: 'infrastructure' } as const;
  const { machine, services } = observed;
  // A probe of its own: what a port that is no HTTP answers is of no interest to anybody.
  const probe = createProbe(observed);
  return {
    ...check,
    async collect(signal) {
      const question = { method: 'HEAD', path: '/', timeoutMs: PORT_TIMEOUT_MS, attempts: 2 };
      const asked = await probe.ask({ service, port: name }, question, signal);
      const { listening, pids } = await machine.processes.listeners(port);
      const instances = statusOf(services, service)?.instances ?? [];
      const groups = await Promise.all(instances.map(({ process }) => machine.processes.groupMembers(process)));
      const ours = groups.flat().some((pid) => pids.includes(pid));
      return { asked, listening, owner: ours ? 'ours' : pids.length === 0 ? 'hidden' : 'other' };
    },
    evaluate({ asked, listening, owner }) {
      if (!listening || (asked.kind === 'silence' && asked.code === 'ECONNREFUSED')) {
        const message = `port ${port} (${name}) of ${service} does not take connections`;
        return [findingOf(check, { outcome: 'fail', severity: 'critical', message })];
      }
      if (owner === 'hidden') {
        const message = `port ${port} (${name}) of ${service} is open, but which process listens cannot be seen`;
        const remedy = 'Run Holdfast as the user that the service runs as.';
        return [findingOf(check, { outcome: 'unknown', message, remedy })];
      }
      if (owner === 'other') {
        const message = `another process than ${service} listens on port ${port} (${name})`;
        const remedy = `End that process, or give services.${service}.run another port.`;
        return [findingOf(check, { outcome: 'fail', severity: 'critical', message, remedy })];
      }
      return [findingOf(check, { outcome: 'pass', message: `${service} listens on port ${port} (${name})` })];
    },
  };
}

interface DiskSeen {
  readonly availableBytes: number;
  readonly usedBytes: number;
}

/** Room for logs, backups and the next release. A large disk with tens of gigabytes left is never full. */
export function diskCheck({ machine, root }: Observed): Check<DiskSeen> {
  const check = { id: 'disk-free', layer: 'infrastructure' } as const;
  return {
    ...check,
    async collect(signal) {
      const command = { argv: ['df', '-Pk', root], env: { ...machine.environment, LC_ALL: 'C' } } as const;
      const { status, stdout } = await machine.processes.run(command, { timeoutMs: 10_000 }, signal);
      const seen = status === 0 ? parseDf(stdout) : undefined;
      if (seen === undefined) throw new Error(`df does not tell how full the disk of ${root} is`);
      return seen;
    },
    evaluate({ availableBytes, usedBytes }) {
      const percentFree = (100 * availableBytes) / Math.max(1, availableBytes + usedBytes);
      const message = `the disk of ${root} has ${formatBytes(availableBytes)} free (${percentFree.toFixed(0)} %)`;
      const measured = { availableBytes, percentFree: Math.round(percentFree * 10) / 10 };
      const isFull = percentFree < 5 && availableBytes < 10 * GIB;
      const isFilling = percentFree < 10 && availableBytes < 20 * GIB;
      const outcome = isFull ? 'fail' : isFilling ? 'warn' : 'pass';
      return [
        findingOf(check, { outcome, message, measured, remedy: 'Free space, or lower releases.keep and backup.keep.' }),
      ];
    },
  };
}

/** Reads the one disk of `df -Pk` (POSIX: 1024-byte blocks, used, available, capacity); undefined when it is not there. */
export function parseDf(text: string): DiskSeen | undefined {
  const match = /\s\d+\s+(\d+)\s+(\d+)\s+\d+%\s/.exec(text);
  if (match === null) return undefined;
  return { usedBytes: Number(match[1]) * 1024, availableBytes: Number(match[2]) * 1024 };
}

function statusOf(services: readonly ServiceStatus[], service: string): ServiceStatus | undefined {
  return services.find((status) => status.service === service);
}

function formatBytes(bytes: number): string {
  return bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
