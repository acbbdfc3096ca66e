import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { errorCode, OutsideError } from '../core/errors.ts';
import type { HeldSocket, HolderReply, HolderRequest } from './holder-protocol.ts';
import type { DetachedCommand, ExitStatus, ProcessId } from './processes.ts';

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

/**
 * Speaks with a holder over a stream to its socket. Undefined when what answers is no holder, or one that ends before it
 * has said who it is: its socket may take a connection as its last act. The stream is closed then.
 */
export async function speakWithHolder(stream: Duplex, answerTimeoutMs: number): Promise<HolderConnection | undefined> {
  const ask = requestsOver(stream, answerTimeoutMs);
  const greeting = await ask({ ask: 'who' }).catch((error: unknown) => {
    if (errorCode(error) === 'holder-gone') return undefined;
    throw error;
  });
  if (greeting?.id === undefined) {
    stream.destroy();
    return undefined;
  }
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
      stream.destroy();
    },
    close: () => stream.destroy(),
  };
}

/** One question at a time over the stream, one line each way. A holder that does not answer in time is not asked again. */
function requestsOver(stream: Duplex, timeoutMs: number): (request: HolderRequest) => Promise<HolderReply> {
  const waiting: { resolve(reply: HolderReply): void; reject(error: Error): void }[] = [];
  const lines = createInterface({ input: stream });
  // It tells the stream's own errors once more.
  lines.on('error', () => {});
  lines.on('line', (line) => {
    const reply = parseReply(line);
    if (reply === undefined) {
      stream.destroy(
        new OutsideError('holder-garbled', `the socket holder answered what is no answer: ${line.slice(0, 100)}`, {
          hint: 'Does a start-up file of the shell on that computer print something? It must not for a command.',
        }),
      );
      return;
    }
    const first = waiting.shift();
    if (reply.error === undefined) first?.resolve(reply);
    else first?.reject(new OutsideError(reply.error.code, reply.error.message, { hint: reply.error.hint }));
  });
  let failure: Error | undefined;
  const fail = (cause?: unknown) => {
    failure ??=
      cause instanceof OutsideError
        ? cause
        : new OutsideError('holder-gone', 'the socket holder ended in the middle of a question', {
            hint: 'Run the command again; a new holder is started.',
            cause,
          });
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  stream.on('error', fail);
  stream.on('close', () => fail());
  return (request) =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      const timer = setTimeout(() => {
        const hint =
          'See what became of the process "holder-program"; ended, it is started again, and services run on.';
        reject(new OutsideError('holder-silent', `the socket holder did not answer within ${timeoutMs} ms`, { hint }));
        stream.destroy();
      }, timeoutMs);
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          settle(value);
        };
      };
      waiting.push({ resolve: settled(resolve), reject: settled(reject) });
      stream.write(`${JSON.stringify(request)}\n`);
    });
}

function parseReply(line: string): HolderReply | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
