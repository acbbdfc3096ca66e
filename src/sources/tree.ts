import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorCode, Interrupted } from '../core/errors.ts';
import type { Files, Status } from '../platform/files.ts';

export interface TreeEntry {
  /** Relative, with `/`; empty for the root itself. */
  readonly path: string;
  readonly status: Status;
  readonly linkTarget?: string;
}

/** Everything below `root` and the root itself, folders before their content, sorted by name; links are not followed. */
export async function* walkTree(
  root: string,
  files: Files,
  isExcluded: (path: string) => boolean = () => false,
  path = '',
): AsyncGenerator<TreeEntry> {
  const status = await files.status(join(root, path));
  if (status === undefined) return;
  if (status.type === 'link') {
    const linkTarget = await files.readLink(join(root, path));
    if (linkTarget !== undefined) yield { path, status, linkTarget };
    return;
  }
  yield { path, status };
  if (status.type !== 'directory') return;
  for (const name of await files.list(join(root, path))) {
    const below = path === '' ? name : `${path}/${name}`;
    if (!isExcluded(below)) yield* walkTree(root, files, isExcluded, below);
  }
}

/** What must be equal for two entries to be the same. Times are not part of it. */
export interface EntryFacts {
  readonly type: 'file' | 'directory' | 'link';
  readonly mode?: number;
  readonly sha256?: string;
  readonly linkTarget?: string;
}

/** The facts of every file, folder and link below `root`, all contents read; sockets and devices are left out. */
export async function describeTree(
  root: string,
  files: Files,
  signal: AbortSignal,
  isExcluded?: (path: string) => boolean,
): Promise<Map<string, EntryFacts>> {
  const facts = new Map<string, EntryFacts>();
  for await (const { path, status, linkTarget } of walkTree(root, files, isExcluded)) {
    if (signal.aborted) throw new Interrupted();
    const mode = status.mode & 0o777;
    if (status.type === 'directory') facts.set(path, { type: 'directory', mode });
    if (status.type === 'file') {
      facts.set(path, { type: 'file', mode, sha256: await hashFile(join(root, path), files, status.sizeBytes) });
    }
    if (linkTarget !== undefined) facts.set(path, { type: 'link', linkTarget });
  }
  return facts;
}

/** What differs, one sentence fragment each, for people; empty when all is equal. */
export function describeDifferences(
  expected: ReadonlyMap<string, EntryFacts>,
  actual: ReadonlyMap<string, EntryFacts>,
): string[] {
  const differences: string[] = [];
  for (const [path, fact] of expected) {
    const found = actual.get(path);
    const name = path === '' ? 'the folder itself' : path;
    if (found === undefined) differences.push(`${name} is missing`);
    else if (found.type !== fact.type) differences.push(`${name} is a ${found.type} instead of a ${fact.type}`);
    else if (found.sha256 !== fact.sha256) differences.push(`${name} has other content`);
    else if (found.linkTarget !== fact.linkTarget) differences.push(`${name} points to another place`);
    else if (found.mode !== fact.mode) differences.push(`${name} has other permissions`);
  }
  for (const path of actual.keys()) {
    if (!expected.has(path)) differences.push(`${path === '' ? 'the folder itself' : path} should not be there`);
  }
  return differences;
}

/** The first few differences as part of a sentence. */
export function summariseDifferences(differences: readonly string[]): string {
  const shown = differences.slice(0, 3).join(', ');
  return differences.length > 3 ? `${shown} and ${differences.length - 3} more` : shown;
}

/** Below this size one read is many times faster than a stream. */
const READ_AT_ONCE_BYTES = 256 * 1024;

/** SHA-256 of a file as hexadecimal text, read in pieces when it is large. */
export async function hashFile(
  path: string,
  files: Pick<Files, 'openRead' | 'read'>,
  sizeBytes = Number.POSITIVE_INFINITY,
): Promise<string> {
  const hash = createHash('sha256');
  const content = sizeBytes <= READ_AT_ONCE_BYTES ? await files.read(path) : undefined;
  if (content === undefined) await pipeline(files.openRead(path), hash);
  else hash.update(content);
  return hash.digest('hex');
}

/** Copies a file or a tree to `to`, which must not exist, with modes, owners and times; every byte is on disk afterwards. */
export async function copyTree(from: string, to: string, files: Files, signal: AbortSignal): Promise<void> {
  const folders: TreeEntry[] = [];
  const written: string[] = [];
  for await (const entry of walkTree(from, files)) {
    if (signal.aborted) throw new Interrupted();
    const target = join(to, entry.path);
    if (entry.status.type === 'directory') {
      await files.makeDirectory(target, 0o700);
      folders.push(entry);
    } else if (entry.linkTarget !== undefined) {
      await files.link(entry.linkTarget, target);
      await giveOwner(target, entry.status, files);
    } else if (entry.status.type === 'file') {
      await files.copy(join(from, entry.path), target);
      await dress(target, entry.status, files);
      written.push(target);
    }
  }
  // All at the end: the first one makes the disk write most of the others along, which is many times faster.
  for (const target of written) await files.sync(target);
  // From the inside out: writing into a folder changes its time, and its own mode may forbid writing.
  for (const { path, status } of folders.reverse()) {
    await files.sync(join(to, path));
    await dress(join(to, path), status, files);
  }
  await files.sync(dirname(to));
}

/** Gives a file or folder its owner, mode and time, in that order: a change of owner may clear mode bits. */
export async function dress(
  path: string,
  look: Pick<Status, 'mode' | 'uid' | 'gid' | 'modifiedMs'>,
  files: Files,
): Promise<void> {
  await giveOwner(path, look, files);
  await files.setMode(path, look.mode & 0o777);
  await files.setModified(path, look.modifiedMs);
}

/** Only root can give files away; for anyone else they stay with whoever restores them, as with any copy. */
export async function giveOwner(path: string, owner: Pick<Status, 'uid' | 'gid'>, files: Files): Promise<void> {
  const found = await files.status(path);
  if (found?.uid === owner.uid && found.gid === owner.gid) return;
  try {
    await files.setOwner(path, owner.uid, owner.gid);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
}

/** Moves a file or a tree, across disks too. Nothing half-copied ever stands at `to`. */
export async function moveTree(from: string, to: string, files: Files, signal: AbortSignal): Promise<void> {
  try {
    await files.rename(from, to);
    await files.sync(dirname(from));
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error;
    const partial = `${to}.partial`;
    await files.remove(partial);
    await copyTree(from, partial, files, signal);
    await files.rename(partial, to);
    await files.remove(from);
  }
}
