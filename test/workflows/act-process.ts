import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, parseEntry } from './act-log.ts';

export interface ActCall {
  /** The pinned program. */
  readonly act: string;
  /** The repository whose workflow runs. */
  readonly repository: string;
  /** Below it. */
  readonly workflow: string;
  readonly event: string;
  readonly eventFile: string;
  readonly actor: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  /** `owner/name@commit` of what is not fetched but taken from a folder. */
  readonly local: Readonly<Record<string, string>>;
  /** Of this run alone. */
  readonly folder: string;
  /** Where programs are looked for first. */
  readonly path: string;
  readonly limitMs: number;
  readonly watch: (entry: Entry) => void;
}

export interface ActEnd {
  /** Null when act had to be killed. Says little: 0 also when everything was skipped. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly entries: readonly Entry[];
  /** Every byte that act wrote. */
  readonly text: string;
}

/** What every runner that a workflow of ours names is called; a label that is not here would be skipped in silence. */
const LABELS = ['ubuntu-24.04', 'ubuntu-latest', 'ubuntu-slim', 'self-hosted'];
const GRACE_MS = 20_000;

/** Runs one workflow on this computer with nothing of this computer's user: no home, no configuration, no environment, no terminal. */
export async function runAct(call: ActCall): Promise<ActEnd> {
  const home = join(call.folder, 'home');
  mkdirSync(home, { recursive: true });
  const child = spawn(call.act, argumentsOf(call), {
    cwd: call.folder,
    env: {
      PATH: `${call.path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: home,
      XDG_CACHE_HOME: join(home, 'cache'),
      XDG_CONFIG_HOME: join(home, 'config'),
      LANG: 'C.UTF-8',
      CI: 'true',
      ACT_DISABLE_VERSION_CHECK: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let timedOut = false;
  const stop = (signal: NodeJS.Signals) => {
    timedOut = true;
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  };
  const timers = [setTimeout(stop, call.limitMs, 'SIGINT'), setTimeout(stop, call.limitMs + GRACE_MS, 'SIGKILL')];
  const entries: Entry[] = [];
  let text = '';
  let rest = '';
  const take = (chunk: string) => {
    text += chunk;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const entry of lines.map(parseEntry)) {
      if (entry === undefined) continue;
      entries.push(entry);
      call.watch(entry);
    }
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for (const timer of timers) clearTimeout(timer);
  return { exitCode, timedOut, entries, text };
}

function argumentsOf(call: ActCall): string[] {
  const pairs = (flag: string, map: Readonly<Record<string, string>>, separator = '=') =>
    Object.entries(map).flatMap(([name, value]) => [flag, `${name}${separator}${value}`]);
  return [
    ...[call.event, '-C', call.repository, '-W', call.workflow, '-e', call.eventFile, '-a', call.actor],
    ...LABELS.flatMap((label) => ['-P', `${label}=-self-hosted`]),
    // Verbose, or the result of a skipped job is not told.
    ...['--json', '--verbose', '--rm', '--pull=false', '--no-cache-server', '--defaultbranch', 'main'],
    // More at a time share a map in act that nothing guards.
    ...['--concurrent-jobs', '1', '--action-cache-path', join(call.folder, 'act')],
    ...pairs('--local-repository', call.local),
    ...pairs('--env', { ...call.environment, NO_COLOR: '1' }),
    ...pairs('-s', call.secrets),
    ...pairs('--var', call.variables),
  ];
}
