import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SshConnection } from '../../src/machines/ssh/settings.ts';

const run = promisify(execFile);

/** sshd starts itself anew for each connection and so wants to be called by its whole path. */
const PROGRAM = '/usr/sbin/sshd';

export interface Sshd {
  /** How it is reached, with the key that it knows. */
  readonly settings: SshConnection;
  readonly port: number;
  /** The file with the public key of `settings.key`. */
  readonly publicKey: string;
  /** A public host key and a private key that it does not have or know. */
  readonly foreign: { readonly hostKey: string; readonly key: string };
  /** Process ids of the connections that are open. */
  connections(): Promise<number[]>;
  stop(): Promise<void>;
}

/**
 * Starts a real sshd on a free port of the loopback address, with keys of its own. Throws, and so fails the test, when
 * it is not installed. `lines` are added to its configuration.
 */
export async function startSshd(
  lines: readonly string[] = [],
  at: {
    readonly address: string;
    readonly port?: number;
    readonly namespace?: string;
    readonly authorizedKeys?: string;
  } = { address: '127.0.0.1' },
): Promise<Sshd> {
  await access(PROGRAM).catch(() => {
    throw new Error(
      'this test needs sshd: install the package "openssh-server" (on Debian: apt-get install openssh-server)',
    );
  });
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sshd-'));
  const path = (name: string) => join(folder, name);
  for (const name of ['host', 'user', 'foreign']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path(name)]);
  }
  // Its separated part lives in this folder, which packages make only when they start the service.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = at.port ?? (await freePort());
  const configuration = [
    `Port ${port}`,
    `ListenAddress ${at.address}`,
    `HostKey ${path('host')}`,
    'PidFile none',
    `AuthorizedKeysFile ${path('user.pub')}${at.authorizedKeys === undefined ? '' : ` ${at.authorizedKeys}`}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'UsePAM no',
    'StrictModes no',
    ...lines,
  ];
  await writeFile(path('configuration'), `${configuration.join('\n')}\n`);
  const inside = at.namespace === undefined ? [] : ['ip', 'netns', 'exec', at.namespace];
  const [program = PROGRAM, ...args] = [...inside, PROGRAM, '-D', '-e', '-f', path('configuration')];
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  await untilItAnswers(at.address, port, server, () => said);
  const text = async (name: string) => (await readFile(path(name), 'utf8')).trim();
  return {
    settings: SshConnection.parse({
      host: at.address,
      port,
      user: userInfo().username,
      host_keys: [await text('host.pub')],
      key: await text('user'),
    }),
    port,
    publicKey: path('user.pub'),
    foreign: { hostKey: await text('foreign.pub'), key: await text('foreign') },
    async connections() {
      const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(server.pid)]).catch(() => ({ stdout: '' }));
      return stdout
        .split('\n')
        .map(Number)
        .filter((pid) => pid > 0);
    },
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      if (server.exitCode === null && server.kill()) await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(host: string, port: number, server: ChildProcess, said: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (server.exitCode !== null) throw new Error(`sshd ended with ${server.exitCode}: ${said()}`);
    const answers = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ port, host });
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (answers) return;
    await sleep(25);
  }
  throw new Error(`sshd does not answer on port ${port}: ${said()}`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject()));
    });
  });
}
