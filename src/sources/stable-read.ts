import { join } from 'node:path';
import { Readable } from 'node:stream';
import { errorCode } from '../core/errors.ts';
import type { Files, Status } from '../platform/files.ts';

/** The content of a file at one moment, of exactly `sizeBytes`. */
export interface StableContent {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** False when the file still changed at the last attempt: then the content is a mixture of two moments. */
  readonly settled: boolean;
  open(): Promise<Readable>;
  /** Removes the copy, if there is one. */
  close(): Promise<void>;
}

const ATTEMPTS = 3;
/** Files up to this size are read into memory, larger ones are copied first: an archive must know a size before the content. */
const IN_MEMORY_BYTES = 1024 * 1024;

/**
 * Reads a file that others may write to: when its status changed meanwhile it is read again, three times in all.
 * Undefined when it is gone.
 */
export async function readStable(path: string, scratch: string, files: Files): Promise<StableContent | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await files.status(path);
    if (before?.type !== 'file') return undefined;
    const content = await take(path, before, scratch, files);
    if (content === undefined) return undefined;
    const after = await files.status(path);
    const settled = after !== undefined && isSame(before, after) && content.sizeBytes === after.sizeBytes;
    if (settled || attempt === ATTEMPTS) return { ...content, modifiedMs: before.modifiedMs, settled };
    await content.close();
  }
}

type Taken = Omit<StableContent, 'modifiedMs' | 'settled'>;

async function take(path: string, status: Status, scratch: string, files: Files): Promise<Taken | undefined> {
  if (status.sizeBytes <= IN_MEMORY_BYTES) {
    const bytes = await files.read(path);
    if (bytes === undefined) return undefined;
    return { sizeBytes: bytes.length, open: async () => Readable.from([bytes]), close: async () => {} };
  }
  const copy = join(scratch, 'reading');
  await files.remove(copy);
  try {
    await files.copy(path, copy);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return {
    sizeBytes: (await files.status(copy))?.sizeBytes ?? 0,
    open: async () => files.openRead(copy),
    close: () => files.remove(copy),
  };
}

function isSame(before: Status, after: Status): boolean {
  return before.inode === after.inode && before.sizeBytes === after.sizeBytes && before.modifiedMs === after.modifiedMs;
}
