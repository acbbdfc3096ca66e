import type { StepFailed } from '../../core/step.ts';
import type { Machine } from '../../machines/machine.ts';
import { checkSystemd, checkUnsupervised } from '../systemd/check.ts';
import { unitInstances } from '../systemd/instances.ts';
import { connectManager, type Manager, PLACES, type Places } from '../systemd/manager.ts';
import { unitBook } from '../systemd/records.ts';
import { socketUnits } from '../systemd/sockets.ts';
import { directoryInstances, type FoundInstance, type Instances, type Startable } from './instances.ts';
import type { Layout } from './layout.ts';

export interface Supervising {
  readonly layout: Layout;
  readonly machine: Machine;
  readonly wait: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly places?: Places;
}

/**
 * The processes of an environment, each under the supervisor that its release names. What another supervisor still runs
 * of a service, or holds for it, is found and ended all the same, so a release may change the supervisor.
 */
export function supervisedInstances({ layout, machine, wait, signal, places = PLACES }: Supervising): Instances {
  const own = directoryInstances(layout, machine, wait);
  const book = unitBook(layout, machine);
  let manager: Promise<Manager | undefined> | undefined;
  const connect = async (): Promise<Manager> => {
    manager ??= connectManager(layout, machine, signal, places);
    // Asked again after a failure, and for as long as there is no target.
    const connected = await manager.catch((error: unknown) => {
      manager = undefined;
      throw error;
    });
    if (connected !== undefined) return connected;
    manager = undefined;
    throw new Error(`${layout.root} has no name for units yet`);
  };
  const units = unitInstances({ layout, machine, signal, book, connect, environmentOf: own.environmentOf });
  const sockets = socketUnits(book, connect, machine);

  const instances: Instances = {
    environmentOf: own.environmentOf,
    async check(startables) {
      const bySystemd = startables.filter(isSystemd);
      const others = startables.filter((each) => !isSystemd(each));
      const complaint = (await checkUnsupervised(others, machine, signal)) ?? (await checkHolder(others, machine));
      if (complaint !== undefined || bySystemd.length === 0) return complaint;
      return checkSystemd(bySystemd, { layout, machine, signal, places, connect, environmentOf: own.environmentOf });
    },
    async start(startable, number) {
      // A socket unit would stand in the way of a service that binds its own port.
      if (startable.settings.run.strategy !== 'socket') await sockets.release(startable.service);
      return isSystemd(startable) ? units.start(startable, number) : own.start(startable, number);
    },
    async find(service) {
      const underSystemd = await units.find(service);
      const others = await own.find(service);
      if (underSystemd.length === 0) return others;
      const known = await Promise.all(others.map((each) => belongsTo(underSystemd, each, machine)));
      return [...underSystemd, ...others.filter((_, index) => known[index] === false)];
    },
    async services() {
      const records = [...(await book.services()), ...(await book.sockets())];
      return [...new Set([...(await own.services()), ...records.map(({ service }) => service)])].sort();
    },
    stop: (instance, stop) => (instance.unit === undefined ? own.stop(instance, stop) : units.stop(instance.unit)),
    exit: (record) => (record.unit === undefined ? own.exit(record) : units.exit(record)),
    held: async () => ({ ...(await own.held()), ...(await sockets.held()) }),
    async hold(startable) {
      await letGoElsewhere(startable);
      if (isSystemd(startable)) await sockets.hold(startable);
      else await own.hold(startable);
    },
    async releaseSockets(keep) {
      for (const { service } of await book.sockets()) if (!keep.includes(service)) await sockets.release(service);
      await own.releaseSockets(keep);
    },
  };

  /** A port is held once: the other supervisor lets go of it, and its processes, which share the socket, end. */
  async function letGoElsewhere(startable: Startable): Promise<void> {
    const { service, settings } = startable;
    const heldByUs = Object.keys(await own.held()).map((name) => name.slice(0, name.lastIndexOf('.')));
    const elsewhere = isSystemd(startable) ? heldByUs.includes(service) : (await book.sockets(service)).length > 0;
    if (!elsewhere) return;
    for (const instance of await instances.find(service)) {
      if ((instance.unit !== undefined) !== isSystemd(startable)) await instances.stop(instance, settings.run.stop);
    }
    if (isSystemd(startable)) await own.releaseSockets(heldByUs.filter((name) => name !== service));
    else await sockets.release(service);
  }

  return instances;
}

/** Looks only: why the ports of services without a supervisor could not be held; undefined when they can. */
async function checkHolder(
  startables: readonly Startable[],
  { name, holder }: Machine,
): Promise<StepFailed | undefined> {
  const holding = startables.filter(({ settings }) => settings.run.strategy === 'socket');
  if (holding.length === 0) return undefined;
  const obstacle = await holder.obstacle?.();
  if (obstacle === undefined) return undefined;
  const services = holding.map(({ service }) => service).join(', ');
  return {
    outcome: 'failed',
    reason: 'holder-not-here',
    message: `nothing on ${name} can hold the ports of ${services} between two versions: ${obstacle}`,
    remedy: 'Install Node there (20 or newer), or take run.supervisor: systemd, or another run.strategy.',
  };
}

function isSystemd({ settings }: Startable): boolean {
  return settings.run.supervisor === 'systemd';
}

/** True for a process that systemd runs: it carries our variables too, and would be counted twice. */
async function belongsTo(
  underSystemd: readonly FoundInstance[],
  { process, record }: FoundInstance,
  machine: Machine,
): Promise<boolean> {
  if (record !== undefined) return false;
  if (underSystemd.some((each) => each.process.pid === process.pid)) return true;
  const groups = (await machine.files.read(`/proc/${process.pid}/cgroup`))?.toString('utf8') ?? '';
  return underSystemd.some(
    ({ unit }) => unit !== undefined && groups.split('\n').some((line) => line.endsWith(`/${unit}`)),
  );
}
