import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SAMPLE = fileURLToPath(new URL('../../examples/insurance-navigator/', import.meta.url));
const LOAD = fileURLToPath(new URL('../../examples/load/load.js', import.meta.url));
const QUIET = '--disable-warning=ExperimentalWarning';
const READY_WITHIN_MS = 10_000;

export const PASSWORD = 'a password for tests';

/** What ended: its status, the signal that ended it, and what it wrote. */
export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
}

export interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** SIGTERM, and how it ended. */
  stop(): Promise<Ended>;
}

export interface HeldSocket {
  readonly port: number;
  readonly fd: number;
  close(): void;
}

interface BoundHandle {
  readonly fd: number;
  getsockname(out: { port?: number }): number;
  close(): void;
}

/** A folder for one test file with built versions, data and processes; `clean` ends and removes all of it. */
export async function aWorkshop() {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-navigator-'));
  const children = new Set<ChildProcess>();

  function startNode(args: readonly string[], env: Record<string, string>, socket?: HeldSocket): ChildProcess {
    const argv = [process.execPath, QUIET, ...args];
    const [program, rest] =
      socket === undefined
        ? [process.execPath, argv.slice(1)]
        : ['/bin/sh', ['-c', 'LISTEN_PID=$$ exec "$@"', 'sh', ...argv]];
    const child = spawn(program, rest, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['pipe', 'pipe', 'pipe', ...(socket === undefined ? [] : [socket.fd])],
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  }

  function settingsOf(artifact: string, data: string, more: Record<string, string>): Record<string, string> {
    return {
      HOLDFAST_SHARED: join(root, data),
      HOLDFAST_VERSION: artifact.slice(artifact.lastIndexOf('/') + 1),
      HOLDFAST_RELEASE: 'r-test',
      JWT_SECRET: 'a signing key for tests only, long enough',
      NAVIGATOR_PASSWORD: PASSWORD,
      ...more,
    };
  }

  return {
    root,
    /** Builds an artifact and answers its folder. */
    async build(version: string, fault?: string): Promise<string> {
      const out = join(root, 'build', version);
      const choice = fault === undefined ? [] : ['--fault', fault];
      const ended = await endOf(
        startNode([join(SAMPLE, 'build.js'), '--version', version, ...choice, '--out', out], {}),
      );
      if (ended.status !== 0) throw new Error(ended.output);
      return out;
    },
    /** Runs the migrate command of an artifact on the data folder of this name. */
    migrate(artifact: string, data: string): Promise<Ended> {
      return endOf(startNode([join(artifact, 'migrate.js')], settingsOf(artifact, data, {})));
    },
    /** Starts the server of an artifact, on a held socket or a free port, and does not wait for it. */
    async launch(artifact: string, data: string, more: Record<string, string> = {}, socket?: HeldSocket) {
      const port = socket?.port ?? Number(more['PORT'] ?? (await freePort()));
      const told: Record<string, string> = socket === undefined ? { PORT: String(port) } : { LISTEN_FDS: '1' };
      const child = startNode([join(artifact, 'server.js')], settingsOf(artifact, data, { ...told, ...more }), socket);
      const ended = endOf(child);
      const running: Running = {
        url: `http://127.0.0.1:${port}`,
        child,
        ended,
        async stop() {
          child.kill('SIGTERM');
          return ended;
        },
      };
      return running;
    },
    /** Starts the server after its migration and waits until it, and no other version, answers. */
    async start(artifact: string, data: string, more: Record<string, string> = {}, socket?: HeldSocket) {
      const running = await this.launch(artifact, data, { MIGRATE_ON_START: '1', ...more }, socket);
      await answersAs(running, settingsOf(artifact, data, more)['HOLDFAST_VERSION'] ?? '');
      return running;
    },
    /** Starts the load; `stop` ends it and answers its summary. */
    load(url: string, ...args: string[]) {
      const child = startNode([LOAD, '--url', url, ...args], { LOAD_PASSWORD: PASSWORD });
      const lines: string[] = [];
      if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      const ended = once(child, 'close');
      return {
        lines,
        child,
        async stop(): Promise<LoadSummary> {
          child.stdin?.write('stop\n');
          await ended;
          return JSON.parse(lines.at(-1) ?? '{}');
        },
      };
    },
    async clean() {
      for (const child of children) child.kill('SIGKILL');
      await rm(root, { recursive: true, force: true });
    },
  };
}

export interface LoadSummary {
  readonly final: boolean;
  readonly requests: number;
  readonly failures: { readonly reset: number; readonly timeout: number; readonly status5xx: number };
  readonly wrongAnswers: number;
  readonly status4xx: number;
  readonly versions: Readonly<Record<string, number>>;
  readonly longestWaitMs: number;
  readonly perSecond: number;
  readonly writesAccepted: number;
}

/** A socket on loopback that is bound and does not listen: what a holder passes from release to release. */
export function holdSocket(): HeldSocket {
  const create: unknown = Reflect.get(net, '_createServerHandle');
  if (typeof create !== 'function') throw new Error('this Node cannot bind a socket without listening on it');
  const handle: BoundHandle = create('127.0.0.1', 0, 4);
  const bound: { port?: number } = {};
  handle.getsockname(bound);
  return { port: bound.port ?? 0, fd: handle.fd, close: () => handle.close() };
}

export interface Answer {
  readonly status: number;
  readonly version: string | null;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests are about
  readonly json: any;
}

/** One request on a connection of its own; `body` is sent as JSON, bytes and text as they are. */
export async function ask(
  url: string,
  method: string,
  path: string,
  options: { token?: string; body?: object | string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { token, body } = options;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      connection: 'close',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(5000),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  return { status: response.status, version: response.headers.get('x-version'), text, json };
}

/** The token of a seeded user. */
export async function logIn(url: string, user: string): Promise<string> {
  const { json } = await ask(url, 'POST', '/login', { body: { user, password: PASSWORD } });
  return json.token;
}

async function endOf(child: ChildProcess): Promise<Ended> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [status, signal]: [number | null, string | null] = await new Promise((resolve) => {
    child.once('close', (code, by) => resolve([code, by]));
  });
  return { status, signal, output };
}

async function answersAs(running: Running, version: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    const answer = await ask(running.url, 'GET', '/version').catch(() => undefined);
    if (answer?.version === version) return;
    await sleep(30);
  }
  running.child.kill('SIGKILL');
  throw new Error(`${version} does not answer: ${(await running.ended).output}`);
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}
