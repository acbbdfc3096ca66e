import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { OutsideError, UserError } from '../../core/errors.ts';
import type { Files } from '../../platform/files.ts';
import type { Holder, SystemHolder } from '../../platform/holder.ts';
import type { HolderConnection } from '../../platform/holder-client.ts';
import type { Processes } from '../../platform/processes.ts';
import type { Connection } from './connection.ts';
import { openRemoteSocket } from './holder-stream.ts';
import { quote } from './quote.ts';

export interface RemoteHolderParts {
  readonly connection: Connection;
  readonly files: Pick<Files, 'list' | 'makeDirectory' | 'remove' | 'write'>;
  readonly processes: Pick<Processes, 'startDetached'>;
  /** The holder of this computer, whose program runs there too. */
  readonly own: Pick<SystemHolder, 'program' | 'speak'>;
  /** PATH of a login there. */
  readonly environment: Readonly<Record<string, string>>;
}

const OLDEST_NODE = 20;
const START_TIMEOUT_MS = 10_000;
/** With a digest behind it: a program that another Holdfast left there is not taken for ours. */
const PROGRAM = 'holder-program';

/**
 * Holds sockets on the server with the program that holds them here, run by the server's own Node. Its one file lies
 * beside its socket for as long as something is held.
 */
export function remoteHolder({ connection, files, processes, own, environment }: RemoteHolderParts): Holder {
  const { host } = connection;

  const open = async (folder: string, waitMs: number): Promise<HolderConnection | undefined> => {
    const { stream, ended } = openRemoteSocket(connection, socketIn(folder), waitMs);
    const holder = await own.speak(stream);
    if (holder !== undefined) return { ...holder, end: () => end(holder, folder) };
    // One that was left behind by a restart of the server must not keep anybody from another supervisor.
    if ((await ended) === 'no-node' && (await listens(connection, socketIn(folder)))) throw notHere(host, NO_NODE);
    return undefined;
  };

  const end = async (holder: HolderConnection, folder: string): Promise<void> => {
    await holder.end();
    for (const name of await files.list(folder)) {
      if (name.startsWith(`${PROGRAM}-`)) await files.remove(join(folder, name));
    }
  };

  const start = async (folder: string): Promise<HolderConnection> => {
    const obstacle = await lookForNode(connection);
    if (obstacle !== undefined) throw notHere(host, obstacle);
    const text = await own.program();
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const program = join(folder, `${PROGRAM}-${digest}.mjs`);
    await files.makeDirectory(folder, 0o700);
    await files.write(program, text, 0o600);
    const logFile = join(folder, 'holder.log');
    const { PATH = '/usr/bin:/bin' } = environment;
    await processes.startDetached({ argv: ['node', program, socketIn(folder)], cwd: '/', env: { PATH }, logFile });
    const started = await open(folder, START_TIMEOUT_MS);
    if (started !== undefined) return started;
    throw new OutsideError('holder-not-started', `the socket holder of ${folder} on ${host} did not start`, {
      hint: `Read ${logFile} there.`,
    });
  };

  return {
    async connect(folder, options) {
      const existing = (await isThere(connection, socketIn(folder))) ? await open(folder, 0) : undefined;
      return existing === undefined && options.start ? start(folder) : existing;
    },
    obstacle: () => lookForNode(connection),
  };
}

function socketIn(folder: string): string {
  return join(folder, 'holder.sock');
}

/** True for a socket of our own user or of root, whether or not somebody listens: only that can be our holder's. */
async function isThere(connection: Connection, path: string): Promise<boolean> {
  const { stdout } = await connection.ask(`[ ! -S ${quote(path)} ] || { id -u; stat -c %u -- ${quote(path)}; }`);
  const [self, owner] = stdout.toString().split('\n');
  return owner !== undefined && owner !== '' && (owner === self || owner === '0');
}

/** Asks the kernel, which knows a socket with a long path by the descriptor of its folder. */
async function listens(connection: Connection, path: string): Promise<boolean> {
  const { stdout } = await connection.ask('cat /proc/net/unix');
  const short = new RegExp(` /proc/self/fd/\\d+/${basename(path)}$`);
  return stdout
    .toString()
    .split('\n')
    .some((line) => line.endsWith(` ${path}`) || short.test(line));
}

const NO_NODE = 'there is no program node in its PATH';

/** Undefined when the server has a Node that can hold sockets. */
async function lookForNode(connection: Connection): Promise<string | undefined> {
  const { status, stdout } = await connection.ask('node --version');
  const version = stdout.toString().trim();
  const major = /^v(\d+)\./.exec(version)?.[1];
  if (status !== 0 || major === undefined) return NO_NODE;
  if (Number(major) < OLDEST_NODE) return `its node is ${version}, and ${OLDEST_NODE} or newer is needed`;
  return undefined;
}

function notHere(host: string, obstacle: string): UserError {
  return new UserError(
    'holder-not-here',
    `nothing on ${host} can hold the sockets of services between releases: ${obstacle}`,
    { hint: `Install Node ${OLDEST_NODE} or newer there, take run.supervisor: systemd, or another run.strategy.` },
  );
}
