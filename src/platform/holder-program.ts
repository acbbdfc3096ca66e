// The socket holder: started by holder.ts as a process of its own, told what to do over a local socket, one line of
// JSON each way. It binds without listening: only a service listens, and the kernel keeps the queue between services.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { errorMessage, OutsideError } from '../core/errors.ts';
import { systemFiles } from './files.ts';
import type { HeldSocket, HolderReply, HolderRequest } from './holder-protocol.ts';
import { type DetachedCommand, type ExitStatus, type ProcessId, systemProcesses } from './processes.ts';
import { shortSocketPath } from './socket-path.ts';

/** The part of Node's own server handle that holding needs; it is not in the public types. */
interface BoundHandle {
  readonly fd: number;
  close(): void;
  getsockname(out: { port?: number }): number;
}

const ROTATE_EVERY_MS = 30_000;
/** As many as may wait; the kernel cuts it down to its own limit (net.core.somaxconn). */
const BACKLOG = 4096;

const sockets = new Map<string, HeldSocket & { handle: BoundHandle }>();
const services = new Map<string, { child: ChildProcess; logFile: string; exit?: ExitStatus }>();
const processes = systemProcesses();
const files = systemFiles('/tmp');

async function main(path: string): Promise<void> {
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  // Its folder stays open for as long as the holder lives: the server removes its socket by this path when it ends.
  const short = await shortSocketPath(path);
  if (await answers(short.path)) return;
  rmSync(path, { force: true });
  process.umask(0o177);
  const server = net.createServer((client) => {
    client.on('error', () => client.destroy());
    const lines = createInterface({ input: client });
    // One at a time, so that answers keep the order of the questions.
    let queue = Promise.resolve();
    lines.on('line', (line) => {
      queue = queue.then(async () => {
        const request: HolderRequest = JSON.parse(line);
        client.write(`${JSON.stringify(await reply(request))}\n`);
        if (request.ask === 'end') end(path);
      });
    });
  });
  server.listen(short.path, () => process.umask(0o022));
  setInterval(rotateLogs, ROTATE_EVERY_MS);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createConnection(path);
    probe.once('connect', () => resolve(true));
    probe.once('error', () => resolve(false));
  });
}

async function reply(request: HolderRequest): Promise<HolderReply> {
  try {
    switch (request.ask) {
      case 'who': {
        const id = await processes.identify(process.pid);
        return id === undefined ? {} : { id };
      }
      case 'held': {
        const entries = [...sockets].map(([name, { address, port }]) => [name, { address, port }] as const);
        return { held: Object.fromEntries(entries) };
      }
      case 'hold':
        hold(request.name, request.address, request.port);
        return {};
      case 'start':
        return { id: await start(request.command, request.sockets) };
      case 'exit': {
        const exit = services.get(keyOf(request.id))?.exit;
        return exit === undefined ? {} : { exit };
      }
      case 'release':
        sockets.get(request.name)?.handle.close();
        sockets.delete(request.name);
        return {};
      case 'end':
        return {};
    }
  } catch (error) {
    const code = error instanceof OutsideError ? error.code : 'holder-failed';
    const hint = error instanceof OutsideError ? error.hint : undefined;
    return { error: { code, message: errorMessage(error), ...(hint === undefined ? {} : { hint }) } };
  }
}

function hold(name: string, address: string, port: number): void {
  const held = sockets.get(name);
  if (held?.address === address && held.port === port) return;
  const handle = bind(address, port);
  startListening(handle.fd);
  held?.handle.close();
  sockets.set(name, { address, port, handle });
}

/**
 * Puts a bound socket into the state of listening without ever accepting: a process that shares the socket listens and
 * is gone at once, before its event loop could accept. From then on the kernel queues connections, and a service that
 * expects a listening socket, as systemd hands it over, gets one.
 */
function startListening(fd: number): void {
  const program = `require('node:net').createServer().listen({ fd: 3, backlog: ${BACKLOG} }); process.kill(process.pid, 'SIGKILL')`;
  spawnSync(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'ignore', fd] });
}

/**
 * Binds and does not listen: a listening holder would accept connections itself. libuv keeps EADDRINUSE back until
 * listen(2), and a socket whose bind failed would then get a port of chance, so the bound port is asked for.
 */
function bind(address: string, port: number): BoundHandle {
  const create: unknown = Reflect.get(net, '_createServerHandle');
  if (typeof create !== 'function') throw new Error('this Node cannot bind a socket without listening on it');
  const handle: BoundHandle | number = create(address, port, net.isIPv6(address) ? 6 : 4);
  const taken = () =>
    new OutsideError('port-taken', `port ${port} on ${address} cannot be bound: another process holds it`, {
      hint: 'Stop the other process, or give the service another port.',
    });
  if (typeof handle === 'number') throw taken();
  const bound: { port?: number } = {};
  handle.getsockname(bound);
  if (bound.port !== port) {
    handle.close();
    throw taken();
  }
  return handle;
}

async function start(command: DetachedCommand, names: readonly string[]): Promise<ProcessId> {
  const descriptors = names.map((name) => {
    const held = sockets.get(name);
    if (held === undefined) throw new Error(`the socket ${name} is not held`);
    return held.handle.fd;
  });
  const log = openSync(command.logFile, 'a', 0o640);
  try {
    // LISTEN_PID must be the number of the process that listens, which only a process in its place can know.
    // Shells add variables of their own, which the service must not see.
    const child = spawn('/bin/sh', ['-c', 'unset PWD OLDPWD SHLVL; LISTEN_PID=$$ exec "$@"', 'sh', ...command.argv], {
      cwd: command.cwd,
      env: { ...command.env, LISTEN_FDS: String(names.length), LISTEN_FDNAMES: names.join(':') },
      stdio: ['ignore', log, log, ...descriptors],
      detached: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const service: { child: ChildProcess; logFile: string; exit?: ExitStatus } = { child, logFile: command.logFile };
    child.once('exit', (code, signal) => {
      service.exit = { status: code ?? undefined, signal: signal ?? undefined };
    });
    const pid = child.pid ?? 0;
    const id = (await processes.identify(pid)) ?? { pid, startTime: 'gone:0' };
    services.set(keyOf(id), service);
    return id;
  } finally {
    closeSync(log);
  }
}

function keyOf(id: ProcessId): string {
  return `${id.pid}@${id.startTime}`;
}

function rotateLogs(): void {
  const running = [...services.values()].filter(({ exit }) => exit === undefined);
  for (const logFile of new Set(running.map(({ logFile }) => logFile))) {
    files.rotate(logFile).catch((error: unknown) => process.stderr.write(`${logFile}: ${errorMessage(error)}\n`));
  }
}

function end(path: string): void {
  rmSync(path, { force: true });
  process.exit(0);
}

const [, program, controlPath] = process.argv;
if (program !== undefined && controlPath !== undefined && import.meta.url === pathToFileURL(program).href) {
  await main(controlPath);
}
