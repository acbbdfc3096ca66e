import type { Command, Detached, DetachedCommand, ExitStatus, Processes, ProcessId } from '../../platform/processes.ts';
import type { Connection } from './connection.ts';
import { codedError, serverError, systemCode } from './failures.ts';
import { holdersOf, listeningInodes, parseEnvironment, parseTable, type TableEntry } from './process-table.ts';
import { quote } from './quote.ts';
import { become, enter, runRemote } from './run.ts';

/** The processes of the server, by its /proc. */
export function remoteProcesses(connection: Connection): Processes {
  const { host } = connection;
  let bootId: Promise<string> | undefined;
  const boot = (): Promise<string> => {
    // Asked again after a failure; the server may also have been started anew since, but then every question failed first.
    bootId ??= connection.ask('cat /proc/sys/kernel/random/boot_id').then(({ stdout }) => stdout.toString().trim());
    bootId.catch(() => {
      bootId = undefined;
    });
    return bootId;
  };
  const table = async (which: string): Promise<TableEntry[]> => {
    const { stdout } = await connection.ask(`cat /proc/${which}/stat 2>/dev/null`);
    return parseTable(stdout.toString('latin1')).filter(({ state }) => state !== 'Z');
  };
  const idOf = async ({ pid, startTicks }: TableEntry): Promise<ProcessId> => ({
    pid,
    startTime: `${await boot()}:${startTicks}`,
  });

  const processes: Processes = {
    run: (command, options, signal) => runRemote(connection, command, options, signal),
    startDetached: (command) => startRemote(connection, command, processes),
    async identify(pid) {
      const [entry] = await table(String(Number(pid)));
      return entry && idOf(entry);
    },
    async isAlive(id) {
      return (await processes.identify(id.pid))?.startTime === id.startTime;
    },
    async groupMembers(id) {
      if (!id.startTime.startsWith(`${await boot()}:`)) return [];
      const startTicks = Number(id.startTime.slice(id.startTime.lastIndexOf(':') + 1));
      const all = await table('[0-9]*');
      // The number of a group is not given away while a member lives: another leader means another group.
      const leader = all.find(({ pid }) => pid === id.pid);
      if (leader !== undefined && leader.startTicks !== startTicks) return [];
      return all.filter((each) => each.group === id.pid && each.startTicks >= startTicks).map(({ pid }) => pid);
    },
    async signalGroup(id, signal) {
      if ((await processes.groupMembers(id)).length === 0) return false;
      const { status, stderr } = await connection.ask(`kill -s ${signal.replace(/^SIG/, '')} -- -${id.pid}`);
      if (status === 0) return true;
      if (systemCode(stderr) === 'ESRCH') return false;
      throw serverError(host, 'signalling', `process group ${id.pid}`, stderr);
    },
    async findByEnvironment(name, value) {
      const leaders = (await table('[0-9]*')).filter(({ pid, session }) => pid === session);
      const environments = await readEnvironments(connection, leaders);
      const found = leaders.filter((_, index) => environments[index]?.[name] === value);
      return Promise.all(found.map(idOf));
    },
    async environmentOf(id) {
      if (!(await processes.isAlive(id))) return {};
      const [variables] = await readEnvironments(connection, [id]);
      return variables ?? {};
    },
    attach: (command) => attachRemote(connection, command),
    async listeners(port) {
      const tables = await connection.ask('cat /proc/net/tcp /proc/net/tcp6 2>/dev/null');
      const inodes = listeningInodes(tables.stdout.toString('latin1'), port);
      if (inodes.size === 0) return { listening: false, pids: [] };
      // In nine parts, because the list of all open files may be too long for one command.
      const script = `for digit in 1 2 3 4 5 6 7 8 9; do stat -c %N -- /proc/$digit*/fd/* 2>/dev/null; done`;
      const { stdout } = await connection.ask(script);
      return { listening: true, pids: holdersOf(inodes, stdout.toString('latin1')) };
    },
  };
  return processes;
}

/** Variables of each process, in the order asked; empty where they cannot be read. */
async function readEnvironments(
  connection: Connection,
  of: readonly { readonly pid: number }[],
): Promise<Record<string, string>[]> {
  // Chance between them: what a process has in its environment is its own affair.
  const mark = `holdfast ${connection.platform.random.hex(16)}`;
  const pids = of.map(({ pid }) => pid).join(' ');
  const { stdout } = await connection.ask(
    `for pid in ${pids}; do printf '%s' '${mark}'; cat "/proc/$pid/environ" 2>/dev/null; done`,
  );
  return stdout.toString().split(mark).slice(1).map(parseEnvironment);
}

/**
 * Starts a command that outlives the connection: own session, empty input, both outputs into the log, no other descriptor.
 * The status of a process that nobody waits for is lost, so `exit` never knows it; `isAlive` tells that it ended.
 */
async function startRemote(
  connection: Connection,
  command: DetachedCommand,
  processes: Pick<Processes, 'identify'>,
): Promise<Detached> {
  const program = command.argv[0];
  // Told on the pipe that the asking shell reads; the pipe closes when both outputs have become the log.
  const inner = `${enter(command.cwd, 'echo no-folder')}
PATH=${quote(command.env['PATH'] ?? '/usr/bin:/bin')}
${find(program)}
echo $$
umask 027
exec >>${quote(command.logFile)} 2>&1 </dev/null
umask 022
${become(command)}`;
  const script = `said=$(printf '%s' ${quote(inner)} | setsid -f env -i /bin/sh -c 'eval "$(cat)"'); printf '%s' "$said"`;
  const { stdout, stderr } = await connection.ask(`${checkLog(command.logFile)}; ${script}`);
  const said = stdout.toString().trim();
  if (said === 'no-folder') throw codedError(connection.host, 'ENOENT', 'entering', command.cwd);
  if (said === 'no-program') throw codedError(connection.host, 'ENOENT', 'starting', program);
  if (said === 'no-permission') throw codedError(connection.host, 'EACCES', 'starting', program);
  const pid = Number(said);
  if (said === '' || !Number.isInteger(pid)) throw serverError(connection.host, 'starting', program, stderr);
  // It may be gone already; then an id that never matches a living process says just that.
  const id = (await processes.identify(pid)) ?? { pid, startTime: 'gone:0' };
  return { id, exit: () => undefined };
}

/** Says why the program cannot be started, and ends, before the log takes the outputs. */
function find(program: string): string {
  const name = quote(program);
  if (!program.includes('/')) return `command -v -- ${name} >/dev/null 2>&1 || { echo no-program; exit; }`;
  return `[ -e ${name} ] || { echo no-program; exit; }
{ [ -x ${name} ] && [ ! -d ${name} ]; } || { echo no-permission; exit; }`;
}

/** Makes the log, or ends with the system's reason. */
function checkLog(path: string): string {
  return `( umask 027; dd of=${quote(path)} oflag=append conv=notrunc status=none </dev/null ) || exit`;
}

/** A terminal there, which is ours here. */
async function attachRemote(connection: Connection, command: Command): Promise<ExitStatus> {
  const link = await connection.link();
  // Input is the terminal, so the script waits in a private file, which removes itself.
  const { stdout } = await connection.ask(`umask 077; mktemp`);
  const file = stdout.toString().trim();
  const inner = `${enter(command.cwd, 'echo "there is no such folder" >&2')}\n${become(command)}`;
  const { status, stderr } = await connection.ask(`printf '%s' ${quote(inner)} >${quote(file)}`);
  if (status !== 0) throw serverError(connection.host, 'preparing', file, stderr);
  const start = `exec env -i sh -c 'script=$(cat ${file}; rm -f ${file}); eval "$script"'`;
  return connection.platform.processes.attach(link.over(start, ['-t']));
}
