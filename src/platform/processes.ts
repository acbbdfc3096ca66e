import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorCode, Interrupted } from '../core/errors.ts';
import { allPids, bootOf, type Listeners, listeners, processStat, readEnvironment, ticksOf } from './proc.ts';

export interface Command {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

export interface RunOptions {
  readonly timeoutMs: number;
  /** Bytes for its standard input; without it the input is empty. */
  readonly stdin?: Readable;
  /** Where its standard output goes; without it the output is collected. */
  readonly stdout?: Writable;
  /** Each line of standard error (and of collected standard output) as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface Outcome {
  /** Exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  /** The last 64 KiB of standard output, unless it went to a stream. */
  readonly stdout: string;
  /** The last 64 KiB of standard error. */
  readonly stderr: string;
}

/** A process that outlives us, named so that its id cannot be confused with a later process of the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Ticks since boot as the kernel tells it, prefixed with the boot id; opaque. */
  readonly startTime: string;
}

export interface DetachedCommand extends Command {
  readonly cwd: string;
  /** Standard output and error are appended here; standard input is empty. */
  readonly logFile: string;
}

export interface ExitStatus {
  readonly status: number | undefined;
  readonly signal: string | undefined;
}

export interface Detached {
  readonly id: ProcessId;
  /** How it ended, if it ended while this process was watching. */
  exit(): ExitStatus | undefined;
}

export interface Processes {
  /** Runs to the end. A program that cannot be started rejects with the system's error (`ENOENT`, `EACCES`). */
  run(command: Command, options: RunOptions, signal: AbortSignal): Promise<Outcome>;
  /** Starts in its own session and process group with no inherited descriptor, and returns at once. */
  startDetached(command: DetachedCommand): Promise<Detached>;
  /** The id of a running process; undefined when there is none (a zombie counts as none). */
  identify(pid: number): Promise<ProcessId | undefined>;
  /** True while exactly this process runs. */
  isAlive(id: ProcessId): Promise<boolean>;
  /** Sends a signal to the whole process group that this process leads. False when nothing was left to signal. */
  signalGroup(id: ProcessId, signal: NodeJS.Signals): Promise<boolean>;
  /** Members of the process group that this process leads, zombies left out. */
  groupMembers(id: ProcessId): Promise<number[]>;
  /** Session leaders of our own user whose environment holds exactly this variable: what an interrupted run left behind. */
  findByEnvironment(name: string, value: string): Promise<ProcessId[]>;
  /** Variables of a running process; empty when they cannot be read. */
  environmentOf(id: ProcessId): Promise<Readonly<Record<string, string>>>;
  /** Runs on our own terminal (standard input, output and error are ours) and answers its exit status. */
  attach(command: Command): Promise<ExitStatus>;
  /** Processes that listen on a TCP port of this computer, as far as the kernel lets us see. */
  listeners(port: number): Promise<Listeners>;
}

const TAIL_BYTES = 64 * 1024;
/** How long a command has between SIGTERM and SIGKILL once its time is over or the run is interrupted. */
const GRACE_MS = 2000;

export function systemProcesses(): Processes {
  const processes: Processes = {
    run: runToEnd,
    startDetached,
    async identify(pid) {
      const found = await processStat(pid);
      return found === undefined || found.state === 'Z' ? undefined : { pid, startTime: found.startTime };
    },
    async isAlive(id) {
      return (await processes.identify(id.pid))?.startTime === id.startTime;
    },
    async signalGroup(id, signal) {
      const members = await processes.groupMembers(id);
      if (members.length === 0) return false;
      try {
        process.kill(-id.pid, signal);
        return true;
      } catch (error) {
        if (errorCode(error) === 'ESRCH') return false;
        throw error;
      }
    },
    async groupMembers(id) {
      // A leader that is gone may have left children behind in its group. The group number cannot be reused while
      // one of them lives, so a live leader with another start time means that the whole group is somebody else's.
      const leader = await processes.identify(id.pid);
      if (leader !== undefined && leader.startTime !== id.startTime) return [];
      const members: number[] = [];
      for (const pid of await allPids()) {
        const found = await processStat(pid);
        if (found === undefined || found.state === 'Z' || found.group !== id.pid) continue;
        if (bootOf(found.startTime) === bootOf(id.startTime) && ticksOf(found.startTime) >= ticksOf(id.startTime)) {
          members.push(pid);
        }
      }
      return members;
    },
    async findByEnvironment(name, value) {
      const found: ProcessId[] = [];
      for (const pid of await allPids()) {
        const stat = await processStat(pid);
        if (stat === undefined || stat.state === 'Z' || stat.session !== pid) continue;
        const variables = await readEnvironment(pid);
        if (variables[name] === value) found.push({ pid, startTime: stat.startTime });
      }
      return found;
    },
    async environmentOf(id) {
      return (await processes.isAlive(id)) ? readEnvironment(id.pid) : {};
    },
    attach,
    listeners,
  };
  return processes;
}

async function runToEnd(command: Command, options: RunOptions, signal: AbortSignal): Promise<Outcome> {
  if (signal.aborted) throw new Interrupted();
  const [program, ...args] = command.argv;
  // Its own group, so that a time limit also ends what it started.
  const child = spawn(program, args, {
    cwd: command.cwd,
    env: { ...command.env },
    stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let timedOut = false;
  let killTimer: NodeJS.Timeout | undefined;
  let isAbandoned = false;
  const end = () => {
    killGroup(child.pid, 'SIGTERM');
    killTimer ??= setTimeout(() => {
      killGroup(child.pid, 'SIGKILL');
      killTimer = setTimeout(abandon, GRACE_MS);
    }, GRACE_MS);
  };
  // What it started in a session of its own is out of reach, and may hold the outputs open for ever.
  const abandon = () => {
    isAbandoned = true;
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, options.timeoutMs);
  signal.addEventListener('abort', end);
  const { stdin: childIn, stdout: childOut, stderr: childErr } = child;
  if (childOut === null || childErr === null) throw new Error('a spawned command has no output pipes');
  const stderr = collect(childErr, options.onLine);
  const stdout = options.stdout === undefined ? collect(childOut, options.onLine) : undefined;
  const streams: Promise<unknown>[] = [];
  let streamFailure: unknown;
  const keep = (error: unknown) => {
    if (isAbandoned) return;
    streamFailure ??= error;
    end();
  };
  if (options.stdout !== undefined) streams.push(pipeline(childOut, options.stdout).catch(keep));
  if (options.stdin !== undefined && childIn !== null) {
    // A command may end without reading all of its input; its exit status tells whether that was right. So nobody waits
    // for input that may still come, and a pipe that closed under it is no failure.
    const isUnread = (error: unknown) =>
      errorCode(error) === 'EPIPE' || (hasEnded(child) && errorCode(error) === 'ERR_STREAM_PREMATURE_CLOSE');
    pipeline(options.stdin, childIn).catch((error: unknown) => (isUnread(error) ? undefined : keep(error)));
  }
  try {
    const exit = await new Promise<ExitStatus>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, by) => resolve({ status: code ?? undefined, signal: by ?? undefined }));
    });
    await Promise.all(streams);
    if (streamFailure !== undefined) throw streamFailure;
    if (signal.aborted) throw new Interrupted();
    return { ...exit, timedOut, stdout: stdout?.() ?? '', stderr: stderr() };
  } finally {
    clearTimeout(timer);
    clearTimeout(killTimer);
    signal.removeEventListener('abort', end);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

function collect(stream: Readable, onLine: ((line: string) => void) | undefined): () => string {
  let tail = '';
  let partial = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-TAIL_BYTES);
    if (onLine === undefined) return;
    const lines = (partial + chunk).split('\n');
    partial = (lines.pop() ?? '').slice(-TAIL_BYTES);
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (partial !== '') onLine?.(partial);
  });
  return () => tail;
}

async function startDetached(command: DetachedCommand): Promise<Detached> {
  const [program, ...args] = command.argv;
  const log = openSync(command.logFile, 'a', 0o640);
  try {
    const child = spawn(program, args, {
      cwd: command.cwd,
      env: { ...command.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    let exit: ExitStatus | undefined;
    child.once('exit', (code, by) => {
      exit = { status: code ?? undefined, signal: by ?? undefined };
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const pid = child.pid ?? 0;
    // It may be gone already; then an id that never matches a living process says just that.
    const id = await processStat(pid);
    return { id: { pid, startTime: id?.startTime ?? 'gone:0' }, exit: () => exit };
  } finally {
    closeSync(log);
  }
}

async function attach(command: Command): Promise<ExitStatus> {
  const [program, ...args] = command.argv;
  // The terminal sends Ctrl-C to the whole foreground group, so the command gets it without us.
  const child = spawn(program, args, { cwd: command.cwd, env: { ...command.env }, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, by) => resolve({ status: code ?? undefined, signal: by ?? undefined }));
  });
}
