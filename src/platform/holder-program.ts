// The socket holder: started as a process of its own, told what to do over a local socket, one line of JSON each way. It
// binds without listening: only a service listens, and the kernel keeps the queue between services.
// It imports nothing of ours and runs under any Node from 20 on, because it is also sent to servers, as one file.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import net from 'node:net';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { HeldSocket, HolderReply, HolderRequest } from './holder-protocol.ts';
import type { DetachedCommand, ExitStatus, ProcessId } from './processes.ts';

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

/** What went wrong, with what to do about it. */
class Refusal extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

async function main(path: string): Promise<void> {
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const short = shortPath(path);
  if (await answers(short)) return;
  fs.rmSync(path, { force: true });
  process.umask(0o177);
  const server = net.createServer((client) => {
    // A command that is killed in the middle of a question resets its connection, and readline tells of that too.
    client.on('error', () => client.destroy());
    const lines = createInterface({ input: client }).on('error', () => client.destroy());
    // One at a time, so that answers keep the order of the questions.
    let queue = Promise.resolve();
    lines.on('line', (line) => {
      queue = queue.then(async () => {
        const request = parse(line);
        if (request === undefined) return void client.destroy();
        if (request.ask === 'end') end(path, client);
        else client.write(`${JSON.stringify(await reply(request))}\n`);
      });
    });
  });
  server.listen(short, () => process.umask(0o022));
  setInterval(rotateLogs, ROTATE_EVERY_MS);
}

/**
 * The kernel takes 108 bytes for the path of a local socket; a longer one goes through a descriptor of its folder. That
 * stays open for as long as the holder lives: the server removes its socket by this path when it ends.
 */
function shortPath(path: string): string {
  if (Buffer.byteLength(path) < 104) return path;
  return join('/proc/self/fd', String(fs.openSync(dirname(path), 'r')), basename(path));
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createConnection(path);
    probe.once('connect', () => resolve(true));
    probe.once('error', () => resolve(false));
  });
}

/** Undefined for the first half of a question, which is all that a killed command has written. */
function parse(line: string): HolderRequest | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function reply(request: Exclude<HolderRequest, { ask: 'end' }>): Promise<HolderReply> {
  try {
    switch (request.ask) {
      case 'who': {
        const id = identify(process.pid);
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
    }
  } catch (error) {
    if (error instanceof Refusal) {
      const { code, message, hint } = error;
      return { error: { code, message, hint } };
    }
    return { error: { code: 'holder-failed', message: error instanceof Error ? error.message : String(error) } };
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
  const taken = () => {
    const message = `port ${port} on ${address} cannot be bound: another process holds it`;
    return new Refusal('port-taken', message, 'Stop the other process, or give the service another port.');
  };
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
    if (held === undefined) {
      const hint = 'Was the socket holder ended? Run the command again: it holds the socket before it starts anything.';
      throw new Refusal('socket-not-held', `the socket ${name} is not held`, hint);
    }
    return held.handle.fd;
  });
  const log = fs.openSync(command.logFile, 'a', 0o640);
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
    const id = identify(pid) ?? { pid, startTime: 'gone:0' };
    services.set(keyOf(id), service);
    return id;
  } finally {
    fs.closeSync(log);
  }
}

function keyOf(id: ProcessId): string {
  return `${id.pid}@${id.startTime}`;
}

/** As the platform names a process: pid, and boot with ticks since then, the 22nd field of /proc/<pid>/stat (proc(5)). */
function identify(pid: number): ProcessId | undefined {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in parentheses and may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : { pid, startTime: `${boot}:${fields[18]}` };
  } catch {
    return undefined;
  }
}

function rotateLogs(): void {
  const running = [...services.values()].filter(({ exit }) => exit === undefined);
  for (const logFile of new Set(running.map(({ logFile }) => logFile))) {
    try {
      rotate(logFile);
    } catch (error) {
      process.stderr.write(`${logFile}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

const MAX_LOG_BYTES = 10 * 1024 * 1024;
const KEPT_LOGS = 5;

/** As the platform rotates the log of a service at each start: the file that the service holds open is emptied. */
function rotate(path: string): void {
  const found = fs.statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.size <= MAX_LOG_BYTES) return;
  for (let number = KEPT_LOGS - 1; number >= 1; number -= 1) {
    if (fs.existsSync(`${path}.${number}`)) fs.renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  }
  fs.copyFileSync(path, `${path}.1`);
  fs.truncateSync(path, 0);
}

/** Nobody finds its socket any more once it has answered. */
function end(path: string, client: net.Socket): void {
  fs.rmSync(path, { force: true });
  client.once('close', () => process.exit(0));
  client.end('{}\n', () => process.exit(0));
}

const [, , controlPath] = process.argv;
if (controlPath !== undefined) await main(controlPath);
