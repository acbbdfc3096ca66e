import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { errorCode, OutsideError } from '../core/errors.ts';
import type { Files } from '../platform/files.ts';
import { moveTree } from './tree.ts';

export interface Swap {
  /** The live file or folder. */
  readonly live: string;
  /** What belongs to it beside it (a database's journal) and goes aside with it. */
  readonly companions: readonly string[];
  /** The folder that keeps what was live, under its own names. */
  readonly aside: string;
  /** Writes the new state to a path that does not exist, durably; absent when nothing shall be there. */
  readonly build?: (path: string) => Promise<void>;
  /** Moves what stays where it is from the live state into the new one. May be called again. */
  readonly carryOver?: (next: string) => Promise<void>;
}

/** Written into `aside` when the swap is complete. */
const DONE = '.restored';

/**
 * Replaces a live state: the new one is built beside it, the old one moves aside, the new one takes its place, each by
 * rename. Called again after a crash at any point it goes on from there: `aside` exists from the moment on at which the
 * new state is complete, and the new state stands beside until it is live.
 */
export async function swapState(swap: Swap, files: Files, signal: AbortSignal): Promise<void> {
  const { live, aside, build } = swap;
  const next = `${live}.holdfast-${shortDigest(aside)}`;
  const exists = async (path: string) => (await files.status(path)) !== undefined;
  if (await exists(join(aside, DONE))) return;

  if (!(await exists(aside))) {
    await files.makeDirectory(dirname(live));
    if (build !== undefined && !(await exists(next))) {
      await files.remove(`${next}.building`);
      await build(`${next}.building`);
      await files.rename(`${next}.building`, next);
    }
    await swap.carryOver?.(next);
    await files.makeDirectory(aside, 0o700);
    await files.sync(dirname(aside));
  }

  // A complete new state that is no longer beside is live already, and must not be moved aside.
  if (build === undefined || (await exists(next))) {
    for (const path of [live, ...swap.companions]) {
      if (await exists(path)) await moveAside(path, aside, files, signal);
    }
  }
  if (await exists(next)) await files.rename(next, live);
  await files.create(join(aside, DONE), '');
}

async function moveAside(path: string, aside: string, files: Files, signal: AbortSignal): Promise<void> {
  // Taken names mean that something wrote to the live place between two attempts; nothing of it is lost either.
  let kept = join(aside, basename(path));
  for (let number = 2; (await files.status(kept)) !== undefined; number += 1) {
    kept = join(aside, `${basename(path)}.${number}`);
  }
  try {
    await moveTree(path, kept, files, signal);
  } catch (error) {
    if (errorCode(error) !== 'EBUSY') throw error;
    throw new OutsideError('state-is-mounted', `${path} cannot be replaced because it is a mount point or in use`, {
      hint: 'Mount the disk one folder higher, so that the folder itself can be renamed.',
      cause: error,
    });
  }
}

/** Eight hexadecimal digits by which a retry finds what the first attempt began. */
export function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
