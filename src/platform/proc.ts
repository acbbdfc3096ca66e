// What Linux tells of processes and listening sockets in /proc.
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface Listeners {
  /** Somebody listens, whether or not we may see who. */
  readonly listening: boolean;
  readonly pids: readonly number[];
}

export interface ProcessStat {
  readonly state: string;
  readonly group: number;
  readonly session: number;
  readonly startTime: string;
}

let bootId: Promise<string> | undefined;

/** Reads /proc/<pid>/stat: the third field is the state, the fifth the group, the sixth the session, the 22nd the start in ticks (proc(5)). */
export async function processStat(pid: number): Promise<ProcessStat | undefined> {
  bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim());
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '',
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: `${await bootId}:${fields[19]}`,
  };
}

export async function readEnvironment(pid: number): Promise<Record<string, string>> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const pairs = text.split('\0').filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

export function bootOf(startTime: string): string {
  return startTime.slice(0, startTime.lastIndexOf(':'));
}

export function ticksOf(startTime: string): number {
  return Number(startTime.slice(startTime.lastIndexOf(':') + 1));
}

export async function allPids(): Promise<number[]> {
  const names = await readdir('/proc');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

const TCP_LISTEN = '0A';

/** Finds the listening sockets of a port in /proc/net/tcp and tcp6, then who holds their inodes. */
export async function listeners(port: number): Promise<Listeners> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === TCP_LISTEN && fields[1]?.endsWith(`:${hexPort}`)) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  if (inodes.size === 0) return { listening: false, pids: [] };
  const pids: number[] = [];
  for (const pid of await allPids()) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    if (links.some((link) => inodes.has(link))) pids.push(pid);
  }
  return { listening: true, pids };
}
