/** One process as /proc/<pid>/stat tells it (proc(5)). */
export interface TableEntry {
  readonly pid: number;
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Ticks since boot. */
  readonly startTicks: number;
}

/**
 * Entries of several /proc/<pid>/stat behind one another: `12 (a b) S 1 12 12 … \n13 (…`. The name in parentheses has at
 * most 15 bytes of anything; it ends where a state and more than forty numbers follow.
 */
export function parseTable(text: string): TableEntry[] {
  const entries: TableEntry[] = [];
  for (const [, pid, state, rest] of text.matchAll(/(\d+) \([\s\S]{0,64}?\) ([A-Za-z])((?: -?\d+){40,})\s*\n/g)) {
    // `rest` begins with the fourth field, the parent.
    const fields = (rest ?? '').trim().split(' ').map(Number);
    entries.push({
      pid: Number(pid),
      state: state ?? '',
      group: fields[1] ?? 0,
      session: fields[2] ?? 0,
      startTicks: fields[18] ?? 0,
    });
  }
  return entries;
}

const TCP_LISTEN = '0A';

/** Inodes of the sockets that listen on a port, from /proc/net/tcp and tcp6. */
export function listeningInodes(table: string, port: number): Set<string> {
  const hexPort = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] === TCP_LISTEN && fields[1]?.endsWith(hexPort) && fields[9] !== undefined) inodes.add(fields[9]);
  }
  return inodes;
}

/** Processes that hold one of these sockets, from lines like `'/proc/12/fd/3' -> 'socket:[456]'`. */
export function holdersOf(inodes: ReadonlySet<string>, lines: string): number[] {
  const pids = new Set<number>();
  for (const [, pid, inode] of lines.matchAll(/\/proc\/(\d+)\/fd\/\d+\W+socket:\[(\d+)\]/g)) {
    if (inode !== undefined && inodes.has(inode)) pids.add(Number(pid));
  }
  return [...pids];
}

/** `A=1\0B=2\0` → { A: '1', B: '2' }. */
export function parseEnvironment(text: string): Record<string, string> {
  const pairs = text.split('\0').filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}
