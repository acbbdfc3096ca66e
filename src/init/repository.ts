import { dirname, join, relative } from 'node:path';
import type { Files } from '../platform/files.ts';

/** The git repository around a folder. */
export interface Repository {
  readonly root: string;
  /** The folder relative to the root; empty when it is the root. */
  readonly below: string;
  /** The branch whose pushes are released. */
  readonly branch: string;
}

const NAME = /^[A-Za-z0-9][\w./-]*$/;
const DEFAULT_BRANCH = 'main';

/** Looks upward for `.git`; undefined when there is none. `folder` is an absolute path without links. */
export async function findRepository(folder: string, files: Files): Promise<Repository | undefined> {
  for (let root = folder; ; root = dirname(root)) {
    if ((await files.status(join(root, '.git'))) !== undefined) {
      return { root, below: relative(root, folder), branch: await defaultBranch(join(root, '.git'), files) };
    }
    if (root === dirname(root)) return undefined;
  }
}

/**
 * What a clone was told is the default branch; else the current one of a repository that has no `main`. A work tree of its
 * own, or anything else that is unclear, has `main`.
 */
async function defaultBranch(git: string, files: Files): Promise<string> {
  if ((await files.status(git))?.type !== 'directory') return DEFAULT_BRANCH;
  const told = await branchIn(join(git, 'refs/remotes/origin/HEAD'), 'refs/remotes/origin/', files);
  if (told !== undefined) return told;
  const current = await branchIn(join(git, 'HEAD'), 'refs/heads/', files);
  return current === undefined || (await hasBranch(DEFAULT_BRANCH, git, files)) ? DEFAULT_BRANCH : current;
}

async function hasBranch(name: string, git: string, files: Files): Promise<boolean> {
  if ((await files.status(join(git, 'refs/heads', name))) !== undefined) return true;
  return (await files.read(join(git, 'packed-refs')))?.toString('utf8').includes(` refs/heads/${name}\n`) === true;
}

/** Files of git that name a branch read `ref: refs/heads/main`. */
async function branchIn(path: string, prefix: string, files: Files): Promise<string | undefined> {
  const text = (await files.read(path))?.toString('utf8').trim() ?? '';
  const name = text.startsWith(`ref: ${prefix}`) ? text.slice(`ref: ${prefix}`.length) : '';
  return NAME.test(name) ? name : undefined;
}
