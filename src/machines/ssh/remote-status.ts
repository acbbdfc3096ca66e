import type { EntryType, Status } from '../../platform/files.ts';

/** For stat: mode in hexadecimal, size, time of change in seconds with fraction, owner, group, inode. */
export const STATUS_FORMAT = '%f %s %.9Y %u %g %i';

const TYPE_BITS = 0o170000;
const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'link'],
]);

/** `81a4 12 1764000000.500000000 0 0 99` → a file of 12 bytes with the mode 644, changed half a second past. */
export function parseStatus(line: string): Status {
  const [hexMode = '0', ...numbers] = line.trim().split(' ');
  const [sizeBytes = 0, seconds = 0, uid = 0, gid = 0, inode = 0] = numbers.map(Number);
  const mode = Number.parseInt(hexMode, 16);
  return {
    type: TYPES.get(mode & TYPE_BITS) ?? 'other',
    sizeBytes,
    mode: mode & 0o7777,
    // Whole microseconds: a double holds no more of it.
    modifiedMs: Math.round(seconds * 1e6) / 1e3,
    uid,
    gid,
    inode,
  };
}
