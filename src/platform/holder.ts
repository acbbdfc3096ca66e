import { lstat, readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { createConnection, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OutsideError } from '../core/errors.ts';
import { type HolderConnection, speakWithHolder } from './holder-client.ts';
import { systemProcesses } from './processes.ts';
import { shortSocketPath } from './socket-path.ts';

/**
 * A tiny process of its own that binds listening sockets and hands them to services, so that a socket outlives
 * releases: while no version runs, the kernel queues connections and none is refused.
 * One holder per folder; it runs until it is told to end.
 */
export interface Holder {
  /** The holder of this folder, started when there is none and `start` says so; undefined when there is none. */
  connect(folder: string, options: { start: boolean }): Promise<HolderConnection | undefined>;
  /** Looks only: why none could be started, to stand behind a colon; undefined when one could. Absent where one always can. */
  obstacle?(): Promise<string | undefined>;
}

/** The holder of this computer, with what another computer needs to have one of its own. */
export interface SystemHolder extends Holder {
  /**
   * Speaks with a holder over a stream that leads to its socket, and closes the stream in the end. Undefined when what
   * answers is no holder, or one that ends before it has said who it is. When the stream breaks, the error that it was destroyed with is told.
   */
  speak(stream: Duplex): Promise<HolderConnection | undefined>;
  /** The holder as one file of JavaScript, a module: any Node from 20 on runs it, given the path of its socket. */
  program(): Promise<string>;
}

const START_TIMEOUT_MS = 10_000;
/** A holder answers at once, but for the moment in which it starts a program on a busy computer. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Beside this file, or beside the bundle that this file became a part of. */
const PROGRAM = fileURLToPath(import.meta.url).replace(/[^/\\]*\.(ts|js)$/, 'holder-program.$1');

export function systemHolder(answerTimeoutMs = ANSWER_TIMEOUT_MS): SystemHolder {
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
    speak: (stream) => speakWithHolder(stream, answerTimeoutMs),
    async program() {
      const text = await readFile(PROGRAM, 'utf8');
      return PROGRAM.endsWith('.ts') ? stripTypeScriptTypes(text) : text;
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
  return socket && speakWithHolder(socket, answerTimeoutMs);
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
