import { OutsideError } from '../../core/errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { HeldSocket } from '../../platform/holder-protocol.ts';
import type { Startable } from '../directory/instances.ts';
import { portsOf } from '../settings.ts';
import { removeUnits, writeUnit } from './files.ts';
import type { Manager } from './manager.ts';
import type { SocketsRecord, UnitBook } from './records.ts';
import { gateUnit, gateUnitName, socketUnit, socketUnitName, unitBase } from './units.ts';

/** Units that keep the ports of services open between releases. Each function may be called again after a crash. */
export interface SocketUnits {
  /** By `<service>.<port name>`: those that are open now. */
  held(): Promise<Record<string, HeldSocket>>;
  /** Opens the ports of a service; what is open already stays so. */
  hold(startable: Startable): Promise<void>;
  /** Closes the ports of one service. */
  release(service: string): Promise<void>;
}

export function socketUnits(book: UnitBook, connect: () => Promise<Manager>, machine: Machine): SocketUnits {
  return {
    async held() {
      const records = await book.sockets();
      if (records.length === 0) return {};
      const states = await (await connect()).show(records.flatMap(unitsOf));
      const held: Record<string, HeldSocket> = {};
      for (const { service, sockets } of records) {
        for (const [name, { unit, address, port }] of Object.entries(sockets)) {
          if (states.get(unit)?.active === 'active') held[`${service}.${name}`] = { address, port };
        }
      }
      return held;
    },
    async hold(startable) {
      const manager = await connect();
      const { record, texts } = wantedUnits(startable, manager);
      const old = (await book.sockets(startable.service))[0];
      const all = { ...old?.sockets, ...record.sockets };
      await book.write({ ...record, sockets: all });
      const obsolete = Object.values(all).filter(({ unit }) => !texts.has(unit));
      if (obsolete.length > 0) {
        const names = obsolete.map(({ unit }) => unit);
        await removeUnits([record.gate, ...names], manager, machine);
      }
      const changed: string[] = [];
      for (const [unit, text] of texts) if (await writeUnit(unit, text, manager, machine)) changed.push(unit);
      const states = await manager.show([...texts.keys()]);
      const unread = [...texts.keys()].filter((unit) => states.get(unit)?.needsReload === true);
      if (changed.length > 0 || unread.length > 0) {
        await manager.tell('enable', '--no-reload', ...texts.keys());
        await manager.tell('daemon-reload');
        const stale = [...new Set([...changed, ...unread])].filter((unit) => states.get(unit)?.active === 'active');
        if (stale.length > 0) await manager.tell('stop', record.gate, ...stale);
      }
      await startSockets(startable, record, manager, machine);
      await book.write(record);
    },
    async release(service) {
      for (const record of await book.sockets(service)) {
        await removeUnits([record.gate, ...unitsOf(record)], await connect(), machine);
        await book.remove(record);
      }
    },
  };
}

function unitsOf({ sockets }: SocketsRecord): string[] {
  return Object.values(sockets).map(({ unit }) => unit);
}

function wantedUnits(
  { service, settings }: Startable,
  { scope, target }: Manager,
): { record: SocketsRecord; texts: ReadonlyMap<string, string> } {
  const base = unitBase(target.project, target.environment, service);
  const gate = gateUnitName(base);
  const address = settings.run.host;
  const sockets: SocketsRecord['sockets'] = {};
  const texts = new Map<string, string>();
  const whole = `${service} of ${target.project} in ${target.environment}`;
  for (const [name, port] of portsOf(settings.run)) {
    const unit = socketUnitName(base, name);
    sockets[name] = { unit, address, port };
    const description = `Port ${name} of ${whole}`;
    texts.set(unit, socketUnit({ description, target: target.id, address, port, name: `${service}.${name}`, gate }));
  }
  const description = `Keeps connections to ${whole} waiting while no version runs`;
  texts.set(gate, gateUnit({ scope, description, target: target.id, sockets: [...texts.keys()] }));
  return { record: { schema: 1, kind: 'sockets', service, gate, sockets }, texts };
}

/** First the sockets: systemd starts none whose unit runs already. */
async function startSockets(
  { service, settings }: Startable,
  record: SocketsRecord,
  manager: Manager,
  machine: Machine,
): Promise<void> {
  const closed = async () => {
    const states = await manager.show([...unitsOf(record), record.gate]);
    return [...states].filter(([, { active }]) => active !== 'active').map(([unit]) => unit);
  };
  const due = await closed();
  if (due.length === 0) return;
  await manager.ask('reset-failed', ...due);
  const sockets = due.filter((unit) => unit !== record.gate);
  // The gate goes down first where it is up: it may not run before its sockets.
  if (sockets.length > 0) await manager.tell('stop', record.gate);
  const { status, stderr } = await manager.ask('start', ...unitsOf(record));
  if (status !== 0) {
    const ports = portsOf(settings.run).map(([, port]) => port);
    throw new OutsideError(
      'port-taken',
      `systemd cannot open port ${ports.join(', ')} of ${service} on ${machine.name}: ${stderr.trim().split('\n')[0]}`,
      { hint: `Is another process on it? systemctl status ${unitsOf(record).join(' ')}` },
    );
  }
  await manager.tell('start', record.gate);
}
