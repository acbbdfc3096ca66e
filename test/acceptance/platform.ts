import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const APPS = fileURLToPath(new URL('apps/', import.meta.url));

export const FAULTS = [
  'crash-at-start',
  'exit-zero-at-start',
  'never-ready',
  'errors-on-one-endpoint',
  'destroys-data',
  'migrates-then-cannot-bind',
  'nobody-can-log-in',
] as const;
export type Fault = (typeof FAULTS)[number];

/** What is known of an application that others wrote: where it lists what its users see, and where it keeps its data. */
export interface Application {
  readonly folder: 'ledger-go' | 'guestbook-python' | 'notes-node';
  readonly list: string;
  /** Below the root of the environment. */
  readonly data: string;
}

export const APPLICATIONS: readonly Application[] = [
  { folder: 'notes-node', list: '/notes', data: 'shared/web/notes' },
  { folder: 'guestbook-python', list: '/entries', data: 'shared/web/data/guestbook.db' },
  { folder: 'ledger-go', list: '/bookings', data: 'shared/web/data/ledger.db' },
];

const Ending = z.looseObject({
  decision: z.string(),
  reason: z.string(),
  summary: z.string(),
  record: z.json().optional(),
  findings: z.array(z.looseObject({ check: z.string(), outcome: z.string(), message: z.string() })),
});

/** How one command of Holdfast ended. */
export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The JSON report, when it wrote one. */
  readonly report: z.infer<typeof Ending> | undefined;
}

export interface Underway {
  /** Also the number of its process group. */
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves when it has written this to its progress; rejects when it ends without. */
  said(text: string): Promise<void>;
  /** Signals the whole group, as a terminal or a runner that ends a job does. False when it has ended. */
  signalGroup(signal: NodeJS.Signals): boolean;
}

export type Place = Awaited<ReturnType<typeof aPlaceFor>>;

/**
 * One application, configured by its own `holdfast.yml` in a fresh folder, with a free port and a root of its own.
 * `root` is relative to that folder unless it is absolute.
 */
export async function aPlaceFor(application: Application, root = 'environment') {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-stranger-'));
  const port = await freePort();
  const at = root.startsWith('/') ? root : join(folder, root);
  const scratch = join(folder, 'tmp');
  await mkdir(scratch);
  await cp(join(APPS, application.folder, 'holdfast.yml'), join(folder, 'holdfast.yml'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    TMPDIR: scratch,
    APP_KEY: 'the-key-of-this-application',
    APP_PORT: String(port),
    ROOT: root,
  };

  const place = {
    application,
    folder,
    root: at,
    port,
    scratch,
    url: `http://127.0.0.1:${port}`,
    env,
    /** Makes an artifact of this version in a folder, and answers the folder. */
    async build(
      version: string,
      { schema = 1, ...more }: { schema?: number; fault?: Fault } & Record<string, unknown> = {},
    ) {
      const artifact = join(folder, 'builds', version);
      await mkdir(artifact, { recursive: true });
      if (application.folder === 'ledger-go') {
        await cp(await goProgram(), join(artifact, 'ledger'));
        await chmod(join(artifact, 'ledger'), 0o755);
      } else {
        await cp(join(APPS, application.folder), artifact, { recursive: true });
        await rm(join(artifact, 'holdfast.yml'));
      }
      await writeFile(join(artifact, 'release.json'), JSON.stringify({ version, schema, ...more }));
      return artifact;
    },
    /** Starts a command of Holdfast as a process group of its own. */
    begin(argv: readonly string[], more: Record<string, string> = {}, uid?: number): Underway {
      const child = spawn(process.execPath, [HOLDFAST, ...argv, '--json'], {
        cwd: folder,
        env: { ...env, ARTIFACT: 'none', ...more },
        ...(uid === undefined ? {} : { uid, gid: uid }),
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const texts = { stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        texts.stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        texts.stderr += text;
      });
      const ended = new Promise<Ended>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (status, signal) =>
          resolve({ status, signal, ...texts, report: parseReport(texts.stdout) }),
        );
      });
      const pid = child.pid ?? 0;
      const said = async (text: string) => {
        const isOver = ended.then(() => true);
        while (!texts.stderr.includes(text)) {
          if (await Promise.race([isOver, sleep(10, false)]))
            throw new Error(`it ended and never said "${text}": ${texts.stderr}`);
        }
      };
      return { pid, ended, said, signalGroup: (signal) => signalGroup(pid, signal) };
    },
    /** Runs a command of Holdfast to its end. */
    holdfast(argv: readonly string[], more: Record<string, string> = {}): Promise<Ended> {
      return place.begin(argv, more).ended;
    },
    beginRelease: (version: string, more: Record<string, string> = {}) =>
      place.begin(['release', '--version', version], { ARTIFACT: join(folder, 'builds', version), ...more }),
    release: (version: string, more: Record<string, string> = {}) => place.beginRelease(version, more).ended,
    status: () => place.holdfast(['status']),
    /** Processes that belong to the environment: services, migrations, the holder of its sockets. */
    processes: () => processesOf(at),
    /** Those that listen on the port, the holder of the socket left out. */
    listeners(): number[] {
      const holders = new Set(
        processesOf(at)
          .filter(({ isHolder }) => isHolder)
          .map(({ pid }) => pid),
      );
      return listenersOn(port).filter((pid) => !holders.has(pid));
    },
    /** Ends every process of this environment and removes the folder. */
    async clean() {
      for (const { pid } of processesOf(at)) signalProcess(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
      if (root.startsWith('/')) await rm(root, { recursive: true, force: true });
    },
  };
  return place;
}

/** Throws with everything that the command said unless it ended like this. */
export function expectEnding(ended: Ended, status: number, ...reasons: readonly string[]): void {
  if (ended.status === status && reasons.includes(ended.report?.reason ?? 'no report')) return;
  const failing = ended.report?.findings.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown') ?? [];
  const said = [ended.report?.summary ?? ended.stdout, ...failing.map(({ check, message }) => `${check}: ${message}`)];
  const how = `ended with ${ended.status ?? ended.signal} (${ended.report?.reason})`;
  throw new Error(`${how}, not ${status} (${reasons.join(' or ')}): ${[...said, ended.stderr].join('\n')}`);
}

function parseReport(text: string): z.infer<typeof Ending> | undefined {
  try {
    return Ending.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
  readonly isHolder: boolean;
}

/** Processes whose environment or command line names this root. */
export function processesOf(root: string): FoundProcess[] {
  return allPids().flatMap((pid) => {
    const [environment, command] = [readProc(pid, 'environ'), readProc(pid, 'cmdline')];
    const isOurs = environment.some((each) => each.startsWith(`HOLDFAST_SHARED=${root}/`));
    const isHolder =
      command.some((each) => /holder-program\.[jt]s$/.test(each)) &&
      openFiles(pid).some((path) => path.startsWith(root));
    return isOurs || isHolder ? [{ pid, command: command.join(' '), isHolder }] : [];
  });
}

function listenersOn(port: number): number[] {
  const inodes = new Set<string>();
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const isListening = fields[3] === '0A' && Number.parseInt(fields[1]?.split(':')[1] ?? '0', 16) === port;
    if (isListening) inodes.add(`socket:[${fields[9]}]`);
  }
  return allPids().filter((pid) => openFiles(pid).some((path) => inodes.has(path)));
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function readProc(pid: number, name: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-pid, signal);
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** The ledger as a program, built once for each state of its sources, outside the work tree. */
async function goProgram(): Promise<string> {
  const sources = join(APPS, 'ledger-go');
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(await readFile(join(sources, name)));
  const program = join(homedir(), '.cache/holdfast-acceptance', `ledger-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  const child = spawn('go', ['build', '-buildvcs=false', '-o', program, '.'], { cwd: sources, stdio: 'inherit' });
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`go build ended with ${status}`);
  return program;
}
