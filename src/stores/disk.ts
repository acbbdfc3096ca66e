import { errorCode, OutsideError } from '../core/errors.ts';
import type { Files } from '../platform/files.ts';

/** SQLite's own code for a full disk; Node hands it on as `errcode`. */
const SQLITE_FULL = 13;

/** True when the reason of a failure is that a disk, or the user's share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === SQLITE_FULL;
}

/** The one error for a disk without room: names the folder, what is free and, where it is known, what is needed. */
export function diskFull(folder: string, freeBytes: number, neededBytes?: number, cause?: unknown): OutsideError {
  const needed = neededBytes === undefined ? '' : ` and ${formatBytes(neededBytes)} are needed`;
  return new OutsideError('disk-full', `no room in ${folder}: ${formatBytes(freeBytes)} are free${needed}`, {
    hint: 'Free some space, remove old backups, or put the store on another disk.',
    cause,
  });
}

/** Runs `work`; a full disk becomes the error `disk-full` that names `folder`. Every other error passes as it is. */
export async function namingFullDisk<T>(
  folder: string,
  neededBytes: number | undefined,
  work: () => Promise<T>,
  files: Pick<Files, 'freeBytes'>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw diskFull(folder, await files.freeBytes(folder), neededBytes, error);
  }
}

/** Throws `disk-full` when less than `neededBytes` are free in `folder`, which must exist. */
export async function requireRoom(folder: string, neededBytes: number, files: Pick<Files, 'freeBytes'>): Promise<void> {
  const free = await files.freeBytes(folder);
  if (free < neededBytes) throw diskFull(folder, free, neededBytes);
}

/** A size for people: `840 bytes`, `1.4 MB`, `12.0 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
