import { OutsideError } from '../../core/errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { ExitStatus, ProcessId } from '../../platform/processes.ts';
import type { FoundInstance, InstanceRecord, Startable } from '../directory/instances.ts';
import type { Layout } from '../directory/layout.ts';
import { giveShared, userOf } from '../directory/users.ts';
import { portsOf } from '../settings.ts';
import { removeUnits, writeUnit } from './files.ts';
import type { Manager, UnitState } from './manager.ts';
import { environmentFile } from './quote.ts';
import type { ServiceRecord, UnitBook } from './records.ts';
import { serviceUnit, serviceUnitName, socketUnitName, unitBase } from './units.ts';

/** Processes that systemd runs, one unit each. Every function may be called again after a crash. */
export interface UnitInstances {
  start(startable: Startable, number: number): Promise<InstanceRecord>;
  find(service: string): Promise<FoundInstance[]>;
  /** Stops as the unit says and removes it. True when it had to be killed. */
  stop(unit: string): Promise<boolean>;
  exit(record: InstanceRecord): Promise<ExitStatus | undefined>;
}

export interface UnitInstancesParts {
  readonly layout: Layout;
  readonly machine: Machine;
  readonly signal: AbortSignal;
  readonly book: UnitBook;
  connect(): Promise<Manager>;
  environmentOf(startable: Startable): Record<string, string>;
}

export function unitInstances(parts: UnitInstancesParts): UnitInstances {
  const { machine, book, connect } = parts;
  return {
    async start(startable, number) {
      const manager = await connect();
      const record = await prepare(startable, number, manager, parts);
      const { unit } = record;
      await manager.tell('enable', '--no-reload', unit);
      await manager.tell('daemon-reload');
      // Starts by hand count against the limit of restarts too; a release begins at zero.
      await manager.ask('reset-failed', unit);
      const { status, stderr } = await manager.ask('start', unit);
      const state = (await manager.show([unit])).get(unit);
      if (status !== 0) throw notStarted(startable, unit, state, stderr, machine);
      return instanceOf(record, await identify(state, machine));
    },
    async find(service) {
      const records = await book.services(service);
      if (records.length === 0) return [];
      const states = await (await connect()).show(records.map(({ unit }) => unit));
      return Promise.all(
        records.map(async (record) => {
          const process = await identify(states.get(record.unit), machine);
          const alive = await machine.processes.isAlive(process);
          const { release, version, unit } = record;
          return { service, release, version, process, record: instanceOf(record, process), alive, unit };
        }),
      );
    },
    async stop(unit) {
      const killed = await removeUnits([unit], await connect(), machine);
      await machine.files.remove(book.environmentFile(unit));
      const record = (await book.services()).find((each) => each.unit === unit);
      if (record !== undefined) await book.remove(record);
      return killed.length > 0;
    },
    async exit({ unit, process }) {
      if (unit === undefined) return undefined;
      const state = (await (await connect()).show([unit])).get(unit);
      // After a restart systemd tells only of the new process.
      if (state === undefined || state.lastPid !== process.pid || state.mainPid === process.pid) return undefined;
      if (state.exitCode === EXITED) return { status: state.exitStatus, signal: undefined };
      return { status: undefined, signal: SIGNALS[state.exitStatus] ?? `signal ${state.exitStatus}` };
    },
  };
}

/** CLD_EXITED of waitid(2). */
const EXITED = 1;

/** Numbers that are the same on every Linux that systemd runs on. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};

/** What systemd sets of its own (systemd.exec(5)): a service gets what is documented, whoever starts it. */
const OF_SYSTEMD = [
  ...['LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'TERM', 'USER', 'LOGNAME', 'HOME', 'SHELL', 'MAIL', 'TZ'],
  ...['INVOCATION_ID', 'JOURNAL_STREAM', 'SYSTEMD_EXEC_PID', 'MANAGERPID', 'MANAGERPIDFDID', 'NOTIFY_SOCKET'],
  ...['MEMORY_PRESSURE_WATCH', 'MEMORY_PRESSURE_WRITE', 'SYSTEMD_NSS_DYNAMIC_BYPASS'],
];

/** Writes everything that the unit needs, and the unit. Nothing runs yet. */
async function prepare(
  startable: Startable,
  number: number,
  manager: Manager,
  parts: UnitInstancesParts,
): Promise<ServiceRecord> {
  const { layout, machine, signal, book, environmentOf } = parts;
  const { service, release, version, settings } = startable;
  const { run } = settings;
  const { target, scope } = manager;
  await machine.files.makeDirectory(layout.shared(service));
  await machine.files.rotate(layout.log(service));
  const user = run.user === manager.user ? undefined : run.user;
  if (user !== undefined) {
    await giveShared(service, settings.shared, await userOf(service, user, machine, signal), parts);
  }
  const base = unitBase(target.project, target.environment, service);
  const taken = new Set((await book.services(service)).map(({ slot }) => slot));
  let slot = 1;
  while (taken.has(slot)) slot += 1;
  const unit = serviceUnitName(base, slot);
  const record: ServiceRecord = { schema: 1, kind: 'service', unit, slot, service, number, release, version };
  await book.write(record);
  const variables = variablesOf(environmentOf(startable), user);
  await machine.files.write(book.environmentFile(unit), environmentFile(variables), 0o600);
  const text = serviceUnit({
    scope,
    description: `${service} of ${target.project} in ${target.environment}, ${version}`,
    target: target.id,
    command: run.command,
    directory: layout.service(release, service),
    environmentFile: book.environmentFile(unit),
    withhold: withheld(variables, user, (await manager.ask('show-environment')).stdout),
    logFile: layout.log(service),
    user,
    stop: run.stop,
    strategy: run.strategy,
    sockets: run.strategy === 'socket' ? portsOf(run).map(([name]) => socketUnitName(base, name)) : [],
    // After a reboot only; a release starts them in order itself. The first process of each has the plain name.
    after: settings.depends_on.map((name) => serviceUnitName(unitBase(target.project, target.environment, name), 1)),
  });
  await writeUnit(unit, text, manager, machine);
  return record;
}

/** Another user has a home of its own, which systemd knows. */
export function variablesOf(
  environment: Readonly<Record<string, string>>,
  user: string | undefined,
): Record<string, string> {
  const { HOME, ...others } = environment;
  return user !== undefined || HOME === undefined ? others : { ...others, HOME };
}

/** What the manager would hand down and the service does not get. */
function withheld(variables: Readonly<Record<string, string>>, user: string | undefined, told: string): string[] {
  const inherited = told.split('\n').flatMap((line) => /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(line)?.[1] ?? []);
  const kept = new Set([...Object.keys(variables), ...(user === undefined ? [] : ['HOME'])]);
  return [...new Set([...OF_SYSTEMD, ...inherited])].filter((name) => !kept.has(name)).sort();
}

/** The process that a unit runs now; one that never matches a living process where none does. */
async function identify(state: UnitState | undefined, machine: Machine): Promise<ProcessId> {
  const found =
    state === undefined || state.mainPid === 0 ? undefined : await machine.processes.identify(state.mainPid);
  return found ?? { pid: state?.mainPid || state?.lastPid || 0, startTime: 'gone:0' };
}

function instanceOf({ service, number, release, version, unit }: ServiceRecord, process: ProcessId): InstanceRecord {
  return { schema: 1, service, number, release, version, process, unit };
}

/** Where starting failed before the command itself ran (systemd.exec(5), "Process Exit Codes"). */
const EXIT_CODES: Readonly<Record<number, string>> = {
  200: 'its folder cannot be entered',
  203: 'env cannot be started',
  209: 'its log cannot be opened',
  216: 'its group cannot be taken',
  217: 'its user cannot be taken',
};

function notStarted(
  { service }: Startable,
  unit: string,
  state: UnitState | undefined,
  stderr: string,
  machine: Machine,
): OutsideError {
  const known = state?.exitCode === EXITED ? EXIT_CODES[state.exitStatus] : undefined;
  const why = known ?? stderr.trim().split('\n')[0] ?? '';
  return new OutsideError('unit-not-started', `systemd could not start ${service} on ${machine.name}: ${why}`, {
    hint: `Look at it there with: journalctl -u ${unit}`,
  });
}
