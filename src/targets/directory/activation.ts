import { posix } from 'node:path';
import { formatDuration } from '../../core/duration.ts';
import { DONE, type Step, type StepResult } from '../../core/step.ts';
import type { Machine } from '../../machines/machine.ts';
import { oneVersionAtATime, portsOf } from '../settings.ts';
import { waitUntilHealthy } from './health.ts';
import type { FoundInstance, InstanceRecord, Instances, Startable } from './instances.ts';
import type { Layout } from './layout.ts';

/** What shall be live afterwards. A deploy, a rollback and a recovery walk the same steps. */
export interface Activation {
  /** Undefined: nothing shall be live (the undo of a first release). */
  readonly release: string | undefined;
  /** Every service of the release, in the order in which they start. */
  readonly services: readonly Startable[];
  /** Those that are stopped and started; the others run on untouched. */
  readonly changed: ReadonlySet<string>;
  /** All that may be running now and is not part of the release. */
  readonly retired: readonly string[];
  /** Runs while nothing that is changed runs, one version at a time: migrations, or a restore. */
  readonly between: readonly Step[];
  /** The data is put back in between, so that no service may run meanwhile, whatever its strategy allows. */
  readonly stopAll: boolean;
}

export interface ActivationTools {
  readonly layout: Layout;
  readonly machine: Machine;
  readonly instances: Instances;
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * The steps that bring an environment from whatever it is now to `activation`. Each may run again after a crash.
 * Services that tolerate two versions start beside the old one and the old one stops last; all others stop first.
 */
export function activationSteps(activation: Activation, tools: ActivationTools): Step[] {
  const changed = activation.services.filter(({ service }) => activation.changed.has(service));
  const stopsFirst = (startable: Startable) => activation.stopAll || oneVersionAtATime(startable.settings.run);
  return [
    ...checkSupervisor(activation, tools),
    checkPorts(activation, tools),
    ...changed
      .filter(({ settings }) => settings.run.strategy === 'socket')
      .map((startable) => bindSockets(startable, tools)),
    ...activation.retired.map((service) => stopService(service, undefined, true, tools)),
    ...changed
      .filter(stopsFirst)
      .reverse()
      .map((startable) => stopService(startable.service, startable, activation.stopAll, tools)),
    ...activation.between,
    flip(activation, tools),
    ...changed.map((startable) => startService(startable, tools)),
    ...changed
      .filter((startable) => !stopsFirst(startable))
      .map((startable) => stopService(startable.service, startable, false, tools)),
    releaseSockets(activation, tools),
  ];
}

/** Where every service is started by Holdfast as itself, and its port held if need be, there is nothing to ask. */
function checkSupervisor({ services, changed }: Activation, { instances, machine }: ActivationTools): Step[] {
  const asks = ({ settings: { run } }: Startable) =>
    run.supervisor !== 'none' ||
    run.user !== undefined ||
    (run.strategy === 'socket' && machine.holder.obstacle !== undefined);
  const asking = services.filter((startable) => changed.has(startable.service) && asks(startable));
  if (asking.length === 0) return [];
  const names = asking.map(({ service }) => service).join(', ');
  return [
    {
      name: 'check-supervisor',
      summary: `see that ${names} can be run here as configured`,
      looks: true,
      run: async () => (await instances.check(asking)) ?? DONE,
    },
  ];
}

function checkPorts({ services, changed, retired }: Activation, { machine, instances }: ActivationTools): Step {
  return {
    name: 'check-ports',
    summary: 'see that no other process holds a port of these services',
    looks: true,
    async run() {
      const ours = new Set<number>();
      for (const service of [...services.map(({ service }) => service), ...retired]) {
        for (const instance of await instances.find(service)) {
          for (const pid of await machine.processes.groupMembers(instance.process)) ours.add(pid);
        }
      }
      for (const { service, settings } of services) {
        if (!changed.has(service)) continue;
        for (const [, port] of portsOf(settings.run)) {
          const { listening, pids } = await machine.processes.listeners(port);
          // The socket holder shares the sockets of our services, so one of ours among them is enough.
          if (!listening || pids.some((pid) => ours.has(pid)) || (await isHeld(service, port, instances))) continue;
          const who = pids.length === 0 ? 'a process of another user' : `process ${pids.join(', ')}`;
          return {
            outcome: 'failed',
            reason: 'port-taken',
            message: `port ${port} of ${service} is taken by ${who}, which is not part of this environment`,
            remedy: `Stop that process, or give ${service} another port.`,
          };
        }
      }
      return DONE;
    },
  };
}

async function isHeld(service: string, port: number, instances: Instances): Promise<boolean> {
  const held = await instances.held();
  return Object.entries(held).some(([name, socket]) => name.startsWith(`${service}.`) && socket.port === port);
}

function bindSockets(startable: Startable, { instances }: ActivationTools): Step {
  const ports = portsOf(startable.settings.run).map(([, port]) => port);
  return {
    name: `hold-socket:${startable.service}`,
    summary: `hold port ${ports.join(', ')} of ${startable.service}, so that connections wait while no version runs`,
    async run() {
      const running = await instances.find(startable.service);
      const held = await instances.held();
      const bound = portsOf(startable.settings.run).every(
        ([name]) => held[`${startable.service}.${name}`] !== undefined,
      );
      // The first release under this strategy: a version that bound its own port has to let go of it first.
      if (!bound) for (const instance of running) await instances.stop(instance, startable.settings.run.stop);
      await instances.hold(startable);
      return DONE;
    },
  };
}

/** Stops all processes of a service; those of the release that shall run only with `everything`. */
function stopService(
  service: string,
  next: Startable | undefined,
  everything: boolean,
  { instances }: ActivationTools,
): Step {
  return {
    name: next === undefined ? `retire:${service}` : `stop:${service}`,
    summary:
      next === undefined ? `stop ${service}, which is not part of this release` : `stop what runs of ${service} now`,
    async run() {
      const settings = next?.settings.run.stop ?? { signal: 'SIGTERM' as const, timeout: 20_000 };
      const isWanted = (instance: FoundInstance) =>
        !everything && instance.record !== undefined && instance.release === next?.release;
      const found = (await instances.find(service)).filter((instance) => !isWanted(instance));
      const results = await Promise.all(found.map((instance) => instances.stop(instance, settings)));
      const killed = results.filter(Boolean).length;
      const facts = { stopped: found.length, killed };
      if (killed === 0) return { outcome: 'done', facts };
      const { signal, timeout } = settings;
      const note = `${killed} of ${found.length} did not end within ${formatDuration(timeout)} of ${signal} and had to be killed`;
      return { outcome: 'done', facts, note };
    },
  };
}

function flip({ release }: Activation, { layout, machine }: ActivationTools): Step {
  return {
    name: 'flip',
    summary: release === undefined ? 'remove the link `current`' : `point the link \`current\` to ${release}`,
    async run() {
      const { files } = machine;
      if (release === undefined) {
        await files.remove(layout.current);
        await files.sync(layout.root);
        return DONE;
      }
      const existing = await files.status(layout.current);
      if (existing !== undefined && existing.type !== 'link') {
        return {
          outcome: 'failed',
          reason: 'current-not-a-link',
          message: `${layout.current} is a ${existing.type}, not the link that Holdfast keeps there`,
          remedy: 'Move it away, or choose another root folder for this environment.',
        };
      }
      const temporary = posix.join(layout.root, `.current-${release}`);
      await files.remove(temporary);
      await files.link(posix.join('releases', release), temporary);
      await files.rename(temporary, layout.current);
      return DONE;
    },
  };
}

function startService(startable: Startable, tools: ActivationTools): Step {
  const { instances, machine, layout, now, wait, signal } = tools;
  const { service, settings, release, version } = startable;
  return {
    name: `start:${service}`,
    summary: `start ${service} ${version} and wait until it is healthy`,
    async run(progress): Promise<StepResult> {
      const found = await instances.find(service);
      const running = found.filter(
        (instance) => instance.release === release && instance.alive && instance.record !== undefined,
      );
      const records: InstanceRecord[] = running.flatMap(({ record }) => (record === undefined ? [] : [record]));
      // Left by an interrupted start: a dead record, or a process that nobody recorded.
      const leftover = found.filter((instance) => instance.release === release && !running.includes(instance));
      for (const instance of leftover) await instances.stop(instance, settings.run.stop);
      const written = (await machine.files.status(layout.log(service)))?.sizeBytes ?? 0;
      for (let number = 1; number <= settings.run.instances; number += 1) {
        if (records.some((record) => record.number === number)) continue;
        records.push(await instances.start(startable, number));
      }
      return waitUntilHealthy(startable, records, progress, {
        machine,
        now,
        wait,
        signal,
        exit: (instance) => instances.exit(instance),
        logTail: () => readTail(machine, layout.log(service), written),
      });
    },
  };
}

function releaseSockets({ services }: Activation, { instances }: ActivationTools): Step {
  const keep = services.filter(({ settings }) => settings.run.strategy === 'socket').map(({ service }) => service);
  return {
    name: 'release-sockets',
    summary: 'let go of sockets that no service needs any more',
    async run() {
      await instances.releaseSockets(keep);
      return DONE;
    },
  };
}

const TAIL_BYTES = 8000;
const TAIL_LINES = 8;

/** The end of what was written to a log since it was `from` bytes long, as one line; what looks like the cause comes first. */
export async function readTail(machine: Machine, path: string, from = 0): Promise<string> {
  const status = await machine.files.status(path);
  if (status === undefined || status.sizeBytes === 0) return '';
  // A log that became shorter was rotated meanwhile.
  const since = from > status.sizeBytes ? 0 : from;
  if (since === status.sizeBytes) return '';
  const start = Math.max(since, status.sizeBytes - TAIL_BYTES);
  const chunks: Buffer[] = [];
  for await (const chunk of machine.files.openRead(path, { start, end: status.sizeBytes - 1 })) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString('utf8').trim().split('\n');
  const end = lines.slice(-TAIL_LINES);
  const cause = lines.slice(0, -TAIL_LINES).find((line) => /error|exception|cannot|panic/i.test(line));
  return [...(cause === undefined ? [] : [cause, '…']), ...end].join(' | ');
}
