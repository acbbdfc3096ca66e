import { lstat } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OutsideError } from '../core/errors.ts';
import type { HeldSocket, HolderReply, HolderRequest } from './holder-protocol.ts';
import { type DetachedCommand, type ExitStatus, type ProcessId, systemProcesses } from './processes.ts';
import { shortSocketPath } from './socket-path.ts';

/**
 * A tiny process of its own that binds listening sockets and hands them to services, so that a socket outlives
 * releases: while no version runs, the kernel queues connections and none is refused.
 * One holder per folder; it runs until it is told to end.
 */
export interface Holder {
  /** The holder of this folder, started when there is none and `start` says so; undefined when there is none. */
  connect(folder: string, options: { start: boolean }): Promise<HolderConnection | undefined>;
}

export interface HolderConnection {
  readonly id: ProcessId;
  /**
   * Binds a socket and keeps it; holding what is held already changes nothing.
   * Rejects with OutsideError `port-taken` when somebody else has it.
   */
  hold(name: string, address: string, port: number): Promise<void>;
  /** Starts a service in its own session with the held sockets as descriptors 3, 4, … and LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES set. */
  start(command: DetachedCommand, sockets: readonly string[]): Promise<ProcessId>;
  /** How a service that this holder started ended; undefined while it runs or when it is unknown here. */
  exit(id: ProcessId): Promise<ExitStatus | undefined>;
  /** The held sockets by name. */
  held(): Promise<Readonly<Record<string, HeldSocket>>>;
  /** Lets go of one socket. */
  release(name: string): Promise<void>;
  /** Ends the holder; services keep running. */
  end(): Promise<void>;
  close(): void;
}

const START_TIMEOUT_MS = 10_000;
/** A holder answers at once, but for the moment in which it starts a program on a busy computer. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Beside this file, or beside the bundle that this file became a part of. */
const PROGRAM = fileURLToPath(import.meta.url).replace(/[^/\\]*\.(ts|js)$/, 'holder-program.$1');

export function systemHolder(answerTimeoutMs = ANSWER_TIMEOUT_MS): Holder {
  return {
    async connect(folder, { start }) {
      const path = join(folder, 'holder.sock');
      const existing = await open(path, answerTimeoutMs);
      if (existing !== undefined || !start) return existing;
      await startProgram(folder, path);
      const deadline = performance.now() + START_TIMEOUT_MS;
      while (performance.now() < deadline) {
        const connection = await open(path, answerTimeoutMs);
        if (connection !== undefined) return connection;
        await sleep(20);
      }
      throw new OutsideError('holder-not-started', `the socket holder of ${folder} did not start`, {
        hint: `Read ${join(folder, 'holder.log')}.`,
      });
    },
  };
}

async function startProgram(folder: string, path: string): Promise<void> {
  await systemProcesses().startDetached({
    argv: [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, path],
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    logFile: join(folder, 'holder.log'),
  });
}

async function open(path: string, answerTimeoutMs: number): Promise<HolderConnection | undefined> {
  const found = await lstat(path).catch(() => undefined);
  // Only a socket of our own user is our holder.
  if (found === undefined || (found.uid !== userInfo().uid && found.uid !== 0)) return undefined;
  const socket = await connectTo(path);
  if (socket === undefined) return undefined;
  const ask = requestsOver(socket, answerTimeoutMs);
  const greeting = await ask({ ask: 'who' });
  if (greeting.id === undefined) return undefined;
  return {
    id: greeting.id,
    async hold(name, address, port) {
      await ask({ ask: 'hold', name, address, port });
    },
    async start(command, sockets) {
      const { id } = await ask({ ask: 'start', command, sockets });
      if (id === undefined) throw new Error('the socket holder started a service without telling which');
      return id;
    },
    exit: async (id) => (await ask({ ask: 'exit', id })).exit,
    held: async () => (await ask({ ask: 'held' })).held ?? {},
    async release(name) {
      await ask({ ask: 'release', name });
    },
    async end() {
      await ask({ ask: 'end' });
      socket.destroy();
    },
    close: () => socket.destroy(),
  };
}

/** Undefined when nobody listens there. */
async function connectTo(path: string): Promise<Socket | undefined> {
  const short = await shortSocketPath(path);
  try {
    const socket = createConnection(short.path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    return connected ? socket : undefined;
  } finally {
    await short.close();
  }
}

/** One question at a time over the socket, one line each way. A holder that does not answer in time is not asked again. */
function requestsOver(socket: Socket, timeoutMs: number): (request: HolderRequest) => Promise<HolderReply> {
  const waiting: { resolve(reply: HolderReply): void; reject(error: Error): void }[] = [];
  createInterface({ input: socket }).on('line', (line) => {
    const reply: HolderReply = JSON.parse(line);
    const first = waiting.shift();
    if (reply.error === undefined) first?.resolve(reply);
    else first?.reject(new OutsideError(reply.error.code, reply.error.message, { hint: reply.error.hint }));
  });
  const fail = () => {
    const error = new OutsideError('holder-gone', 'the socket holder ended in the middle of a question', {
      hint: 'Run the command again; a new holder is started.',
    });
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  socket.on('error', fail);
  socket.on('close', fail);
  return (request) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const hint =
          'See what became of the process "holder-program"; ended, it is started again, and services run on.';
        reject(new OutsideError('holder-silent', `the socket holder did not answer within ${timeoutMs} ms`, { hint }));
        socket.destroy();
      }, timeoutMs);
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          settle(value);
        };
      };
      waiting.push({ resolve: settled(resolve), reject: settled(reject) });
      socket.write(`${JSON.stringify(request)}\n`);
    });
}
