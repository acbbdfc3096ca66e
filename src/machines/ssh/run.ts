import { Interrupted, OutsideError } from '../../core/errors.ts';
import type { Command, Outcome, RunOptions } from '../../platform/processes.ts';
import { type Connection, type SessionEnd, TELL } from './connection.ts';
import { codedError } from './failures.ts';
import { quote, quoteAll } from './quote.ts';

/** How long a command has between SIGTERM and SIGKILL, as on this computer. */
const GRACE_MS = 2000;
/** After SIGKILL nothing runs; if the session still does not end, a descriptor has leaked and only the session is left to end. */
const LEAK_MS = 5000;

/** Runs a command on the server to its end, in a process group of its own, which a time limit or an interruption ends. */
export async function runRemote(
  connection: Connection,
  command: Command,
  options: RunOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  if (signal.aborted) throw new Interrupted();
  const { clock } = connection.platform;
  const over = new AbortController();
  const cut = new AbortController();
  let group: number | undefined;
  let isNoFolder = false;
  let timedOut = false;
  let ending: Promise<void> | undefined;

  const end = async (): Promise<void> => {
    for (const [name, waitMs] of [
      ['TERM', GRACE_MS],
      ['KILL', LEAK_MS],
    ] as const) {
      // Without a number it has not begun yet; the number comes before the command.
      if (group !== undefined) await connection.ask(`kill -s ${name} -- -${group}`);
      await clock.sleep(waitMs, over.signal);
    }
    cut.abort();
  };
  const endOnce = () => {
    ending ??= end().catch(() => {});
  };
  const limit = clock.sleep(options.timeoutMs, over.signal).then(
    () => {
      timedOut = true;
      endOnce();
    },
    () => {},
  );
  signal.addEventListener('abort', endOnce);
  let ended: SessionEnd | undefined;
  try {
    ended = await connection.session(runScript(command, options.stdin !== undefined), {
      stdin: options.stdin,
      stdout: options.stdout,
      onLine: options.onLine,
      signal: cut.signal,
      onTold([word, value]) {
        if (word === 'group') group = Number(value);
        if (word === 'no-folder') isNoFolder = true;
      },
    });
  } catch (error) {
    if (!cut.signal.aborted) {
      // The input or the receiver of the output failed: nobody waits for the command any more.
      if (group !== undefined && !isConnectionLost(error)) await endGroup(connection, group).catch(() => {});
      throw error;
    }
  } finally {
    over.abort();
    signal.removeEventListener('abort', endOnce);
    await limit;
    await ending;
  }
  if (signal.aborted) throw new Interrupted();
  if (ended === undefined) return { status: undefined, signal: 'SIGKILL', timedOut, stdout: '', stderr: '' };
  const { status, stdout, stderr } = ended;
  if (isNoFolder) throw codedError(connection.host, 'ENOENT', 'entering', command.cwd ?? '');
  const missing = notStarted(status, stderr);
  if (missing !== undefined) throw codedError(connection.host, missing, 'starting', command.argv[0]);
  return { ...statusAndSignal(status), timedOut, stdout, stderr };
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof OutsideError && error.code === 'connection-lost';
}

/** Asks a process group to end, and ends it when it does not within the usual time. */
async function endGroup(connection: Connection, group: number): Promise<void> {
  const wait = `tries=0; while kill -s 0 -- -${group} && [ $tries -lt ${GRACE_MS / 100} ]; do sleep 0.1; tries=$((tries + 1)); done`;
  await connection.ask(`exec 2>/dev/null; kill -s TERM -- -${group}; ${wait}; kill -s KILL -- -${group}`);
}

/**
 * A script that runs a command in a session and process group of its own, with exactly its environment. Folder and
 * values travel through a pipe, because arguments can be seen by every user of the server; fd 3 is the command's input.
 */
function runScript(command: Command, hasInput: boolean): string {
  const inner = `${TELL}\ntell group $$\n${enter(command.cwd, 'tell no-folder')}\nexec <&3 3<&-\n${become(command)}`;
  // A shell says "Terminated" when what it waits for is killed: that is not the command's word.
  return `${hasInput ? 'exec 3<&0' : 'exec 3</dev/null'}; exec 4>&2 2>/dev/null
printf '%s\\n' "mark=$mark" ${quote(inner)} | setsid env -i /bin/sh -c 'eval "$(cat)"' 2>&4 4>&-`;
}

/** Enters the folder, or says `complaint` and ends. */
export function enter(cwd: string | undefined, complaint: string): string {
  return cwd === undefined ? '' : `cd -P -- ${quote(cwd)} 2>/dev/null || { ${complaint}; exit 1; }`;
}

/** Variables that a shell sets by itself for whatever it starts. */
const SHELL_VARIABLES = ['PWD', 'OLDPWD', 'SHLVL', '_'];
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Makes a shell with an empty environment into the command. The program is looked for in the command's own PATH. */
export function become({ argv, env }: Command): string {
  const all = Object.entries(env);
  // What a shell cannot name is set by env, where the server's other users can see it for a moment.
  const nameable = all.filter(([name]) => NAME.test(name) && !SHELL_VARIABLES.includes(name));
  const others = all.filter((entry) => !nameable.includes(entry));
  const exports = nameable.map(([name, value]) => `export ${name}=${quote(value)}`);
  const unset = SHELL_VARIABLES.map((name) => `-u ${name}`).join(' ');
  const set = quoteAll(others.map(([name, value]) => `${name}=${value}`));
  return [...exports, `exec /usr/bin/env ${unset} ${set} ${quoteAll(argv)}`].join('\n');
}

/** `env` ends with 127 or 126 when there is no such program, and so may a program: its last words tell. */
function notStarted(status: number, stderr: string): string | undefined {
  if (status !== 127 && status !== 126) return undefined;
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  if (!/^(?:\/usr\/bin\/)?env: /.test(last)) return undefined;
  if (last.endsWith(': No such file or directory')) return 'ENOENT';
  return last.endsWith(': Permission denied') ? 'EACCES' : undefined;
}

/** Numbers of the signals that end programs, on Linux. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};

/** A shell tells a signal as 128 and its number. A program that ends with such a status by itself cannot be told apart. */
function statusAndSignal(status: number): Pick<Outcome, 'status' | 'signal'> {
  const signal = SIGNALS[status - 128];
  return signal === undefined ? { status, signal: undefined } : { status: undefined, signal };
}
