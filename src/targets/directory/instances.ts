import { join } from 'node:path';
import { z } from 'zod';
import { OutsideError, UserError } from '../../core/errors.ts';
import { variableName } from '../../core/names.ts';
import type { StepFailed } from '../../core/step.ts';
import type { Machine } from '../../machines/machine.ts';
import type { HolderConnection } from '../../platform/holder-client.ts';
import type { HeldSocket } from '../../platform/holder-protocol.ts';
import type { DetachedCommand, ExitStatus, ProcessId } from '../../platform/processes.ts';
import { portsOf, type ServiceSettings } from '../settings.ts';
import { readOwn } from './book.ts';
import type { Layout } from './layout.ts';

/** One process of a service, as it was started. */
export const InstanceRecord = z.strictObject({
  schema: z.literal(1),
  service: z.string(),
  number: z.int(),
  release: z.string(),
  version: z.string(),
  process: z.strictObject({ pid: z.int(), startTime: z.string() }),
  /** The unit that runs it, under systemd. */
  unit: z.string().optional(),
});
export type InstanceRecord = z.infer<typeof InstanceRecord>;

/** A service of a release, ready to be started: its files lie in the folder of `release`. */
export interface Startable {
  readonly service: string;
  readonly release: string;
  readonly version: string;
  readonly settings: ServiceSettings;
}

/** Starts, finds and stops the processes of an environment. */
export interface Instances {
  /** The exact environment of a service: nothing of ours but what is listed here reaches it. */
  environmentOf(startable: Startable): Record<string, string>;
  /** Looks only: why these services could not be started here; undefined when nothing is in the way. */
  check(startables: readonly Startable[]): Promise<StepFailed | undefined>;
  start(startable: Startable, number: number): Promise<InstanceRecord>;
  /** All that runs for a service: what was recorded, and what an interrupted run started without recording it. */
  find(service: string): Promise<FoundInstance[]>;
  /** Services of which something runs or is recorded. */
  services(): Promise<string[]>;
  /** Asks with the configured signal, kills after the configured time, forgets. True when it had to be killed. */
  stop(instance: FoundInstance, stop: ServiceSettings['run']['stop']): Promise<boolean>;
  /** How it ended, where that can be known. */
  exit(instance: InstanceRecord): Promise<ExitStatus | undefined>;
  /** The sockets that the holder keeps, by `<service>.<port name>`. */
  held(): Promise<Readonly<Record<string, HeldSocket>>>;
  /** Binds the ports of a service in the socket holder. */
  hold(startable: Startable): Promise<void>;
  /** Lets go of sockets whose service is not in `keep`, and ends a holder that holds nothing. */
  releaseSockets(keep: readonly string[]): Promise<void>;
}

export interface FoundInstance {
  readonly service: string;
  readonly release: string;
  readonly version: string;
  readonly process: ProcessId;
  /** Undefined for a process that was never recorded. */
  readonly record?: InstanceRecord;
  readonly alive: boolean;
  /** The unit that runs it, under systemd. */
  readonly unit?: string;
}

const STOP_POLL_MS = 25;
/** After SIGKILL only the kernel is at work; a process that is still there then is stuck in it. */
const KILL_TIMEOUT_MS = 5000;

/** Those whose supervisor is Holdfast itself. */
export function directoryInstances(layout: Layout, machine: Machine, wait: (ms: number) => Promise<void>): Instances {
  const { files, processes } = machine;
  const exits = new Map<string, () => ExitStatus | undefined>();
  const pathOf = (record: Pick<InstanceRecord, 'service' | 'number' | 'release'>) =>
    join(layout.processes, `${record.service}.${record.number}.${record.release}.json`);

  const holder = async (start: boolean): Promise<HolderConnection | undefined> =>
    machine.holder.connect(layout.holder, { start });

  const instances: Instances = {
    environmentOf({ service, release, version, settings }) {
      const ports = portsOf(settings.run);
      const told: Record<string, string> = {};
      for (const [name, port] of ports) told[`PORT_${variableName(name)}`] = String(port);
      const first = ports[0];
      if (first !== undefined) told['PORT'] = String(first[1]);
      return {
        ...machine.environment,
        ...settings.env,
        ...told,
        HOLDFAST_VERSION: version,
        HOLDFAST_RELEASE: release,
        HOLDFAST_SHARED: layout.shared(service),
      };
    },
    check: async () => undefined,
    async start(startable, number) {
      const { service, release, version, settings } = startable;
      await files.makeDirectory(layout.shared(service));
      await files.rotate(layout.log(service));
      const command: DetachedCommand = {
        argv: settings.run.command,
        cwd: layout.service(release, service),
        env: instances.environmentOf(startable),
        logFile: layout.log(service),
      };
      const id = await startProcess(command, startable);
      const record: InstanceRecord = { schema: 1, service, number, release, version, process: id };
      await files.write(pathOf(record), JSON.stringify(record), 0o600);
      return record;
    },
    async find(service) {
      const found: FoundInstance[] = [];
      for (const record of await records()) {
        if (record.service !== service) continue;
        const alive = (await processes.groupMembers(record.process)).length > 0;
        found.push({
          service,
          release: record.release,
          version: record.version,
          process: record.process,
          record,
          alive,
        });
      }
      const known = new Set(found.map(({ process }) => `${process.pid}@${process.startTime}`));
      for (const id of await processes.findByEnvironment('HOLDFAST_SHARED', layout.shared(service))) {
        if (known.has(`${id.pid}@${id.startTime}`)) continue;
        const environment = await processes.environmentOf(id);
        found.push({
          service,
          release: environment['HOLDFAST_RELEASE'] ?? '',
          version: environment['HOLDFAST_VERSION'] ?? '',
          process: id,
          alive: true,
        });
      }
      return found;
    },
    async services() {
      const names = new Set((await records()).map(({ service }) => service));
      for (const name of await files.list(join(layout.root, 'shared'))) names.add(name);
      return [...names].sort();
    },
    async stop(instance, { signal, timeout }) {
      const gone = async (withinMs: number) => {
        const deadline = (await machine.now()) + withinMs;
        while ((await processes.groupMembers(instance.process)).length > 0) {
          if ((await machine.now()) >= deadline) return false;
          await wait(STOP_POLL_MS);
        }
        return true;
      };
      await processes.signalGroup(instance.process, signal);
      const ended = await gone(timeout);
      if (!ended) {
        await processes.signalGroup(instance.process, 'SIGKILL');
        if (!(await gone(KILL_TIMEOUT_MS))) {
          const { pid } = instance.process;
          throw new OutsideError(
            'process-stuck',
            `process ${pid} of ${instance.service} does not end, even when killed`,
            {
              hint: `See what it waits for: cat /proc/${pid}/wchan; often it is a disk or a network file system.`,
            },
          );
        }
      }
      if (instance.record !== undefined) await files.remove(pathOf(instance.record));
      return !ended;
    },
    async exit(record) {
      const watched = exits.get(`${record.process.pid}@${record.process.startTime}`);
      if (watched !== undefined) return watched();
      const connection = await holder(false);
      const exit = await connection?.exit(record.process);
      connection?.close();
      return exit;
    },
    async held() {
      const connection = await holder(false);
      const held = await connection?.held();
      connection?.close();
      return held ?? {};
    },
    async hold({ service, settings }) {
      const connection = await holder(true);
      try {
        for (const [name, port] of portsOf(settings.run)) {
          await connection?.hold(`${service}.${name}`, settings.run.host, port);
        }
      } finally {
        connection?.close();
      }
    },
    async releaseSockets(keep) {
      const connection = await holder(false);
      if (connection === undefined) return;
      try {
        const held = Object.keys(await connection.held());
        const unwanted = held.filter((name) => !keep.some((service) => name.startsWith(`${service}.`)));
        for (const name of unwanted) await connection.release(name);
        if (unwanted.length === held.length) await connection.end();
      } finally {
        connection.close();
      }
    },
  };

  async function records(): Promise<InstanceRecord[]> {
    const names = (await files.list(layout.processes)).filter(
      (name) => name.endsWith('.json') && !name.startsWith('.'),
    );
    const read = await Promise.all(names.map((name) => readOwn(join(layout.processes, name), InstanceRecord, machine)));
    return read.filter((record) => record !== undefined);
  }

  async function startProcess(command: DetachedCommand, { service, settings }: Startable): Promise<ProcessId> {
    try {
      if (settings.run.strategy !== 'socket') {
        const started = await processes.startDetached(command);
        exits.set(`${started.id.pid}@${started.id.startTime}`, started.exit);
        return started.id;
      }
      const connection = await holder(true);
      try {
        const sockets = portsOf(settings.run).map(([name]) => `${service}.${name}`);
        const id = await connection?.start(command, sockets);
        if (id === undefined) throw new Error('there is no socket holder');
        return id;
      } finally {
        connection?.close();
      }
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')) {
        throw new UserError(
          'command-not-found',
          `services.${service}.run.command cannot be started: ${error.message}`,
          {
            hint: `Is ${command.argv[0]} installed on ${machine.name}, or part of the artifact, and executable?`,
            cause: error,
          },
        );
      }
      throw error;
    }
  }

  return instances;
}
