import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../core/errors.ts';
import type { Files } from '../platform/files.ts';
import { dress, moveTree } from './tree.ts';

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
/** Written into `aside` when nothing of the old content is left in a live folder that is a mount point. */
const EMPTIED = '.emptied';

/**
 * Replaces a live state: the new one is built beside it, the old one moves aside, the new one takes its place, each by
 * rename. Called again after a crash at any point it goes on from there: `aside` exists from the moment on at which the
 * new state is complete, and the new state stands beside until it is live. A mount point stays where it is and its content is exchanged.
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
      if (!(await exists(path))) continue;
      try {
        await moveInto(aside, path, files, signal);
      } catch (error) {
        // A mount point cannot be renamed; what lies in it can.
        if (errorCode(error) !== 'EBUSY' || path !== live) throw error;
        await exchangeContents(live, next, aside, files, signal);
      }
    }
  }
  if (await exists(next)) await files.rename(next, live);
  await files.create(join(aside, DONE), '');
}

/** Moves a file or folder into `folder`. Nothing there is replaced: what came back between two attempts gets a number. */
async function moveInto(folder: string, path: string, files: Files, signal: AbortSignal): Promise<void> {
  let kept = join(folder, basename(path));
  for (let number = 2; (await files.status(kept)) !== undefined; number += 1) {
    kept = join(folder, `${basename(path)}.${number}`);
  }
  await moveTree(path, kept, files, signal);
}

/** Does for each entry of a folder what `swapState` does for the whole. `next` is gone afterwards. */
async function exchangeContents(
  live: string,
  next: string,
  aside: string,
  files: Files,
  signal: AbortSignal,
): Promise<void> {
  const emptied = join(aside, EMPTIED);
  if ((await files.status(emptied)) === undefined) {
    const kept = join(aside, basename(live));
    await files.makeDirectory(kept);
    for (const name of await files.list(live)) await moveInto(kept, join(live, name), files, signal);
    await files.create(emptied, '');
  }
  for (const name of await files.list(next)) {
    await files.remove(join(live, name));
    await moveTree(join(next, name), join(live, name), files, signal);
  }
  const look = await files.status(next);
  if (look !== undefined) await dress(live, look, files);
  await files.remove(next);
}

/** Eight hexadecimal digits by which a retry finds what the first attempt began. */
export function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
