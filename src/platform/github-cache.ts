import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, OutsideError } from '../core/errors.ts';
import type { BuildCache, CacheEntry } from './build-cache.ts';

/** Where the client of the cache looks for what the runner told it. */
type Environment = Record<string, string | undefined>;

/**
 * What the client runs instead of `tar`. It asks `tar` to write wherever an archive names; without -P, GNU tar stays in its
 * working folder: it takes no absolute name, no `..`, and makes links that lead out only when all else is written.
 */
const CONFINED_TAR = `#!/bin/sh
# The first folder of PATH holds this file.
PATH=\${PATH#*:}
for argument do
  shift
  [ "$argument" = -P ] || set -- "$@" "$argument"
done
exec tar --no-same-owner --no-same-permissions "$@"
`;

/**
 * The cache of GitHub Actions. `environment` is that of this process, which the client reads; `temporary` is an existing
 * folder. One call at a time: each sets variables of this process for as long as it takes.
 */
export function githubCache(environment: Environment, temporary: string): BuildCache {
  return {
    async restore(entry, into) {
      requirePlain(into);
      const client = await connect();
      await requireGnuTar(environment);
      const confined = await mkdtemp(join(temporary, 'holdfast-tar-'));
      try {
        await writeFile(join(confined, 'tar'), CONFINED_TAR, { mode: 0o700 });
        const path = `${confined}:${environment['PATH'] ?? ''}`;
        const key = keyOf(entry);
        const found = await within(environment, { GITHUB_WORKSPACE: into, PATH: path }, () =>
          client.restoreCache(patternsOf(entry), key),
        );
        return found === key;
      } finally {
        await rm(confined, { recursive: true, force: true });
      }
    },
    async save(entry) {
      requirePlain(entry.root);
      const client = await connect();
      const id = await within(environment, { GITHUB_WORKSPACE: entry.root }, () =>
        client.saveCache(patternsOf(entry), keyOf(entry)),
      );
      return id !== -1;
    },
  };
}

/** Loaded when a build has a cache: no other step pays for it. */
async function connect() {
  const client = await import('@actions/cache');
  if (client.isFeatureAvailable()) return client;
  throw new OutsideError('cache-unavailable', 'this runner has no cache');
}

/** The client makes one line of a command and its folder, and takes it apart at spaces. */
function requirePlain(folder: string): void {
  if (!/[\s"'\\]/.test(folder)) return;
  throw new OutsideError('cache-unavailable', `the path of ${folder} has a space or a quote in it`);
}

/** What is built for one kind of machine is of no use on another. */
function keyOf({ key }: CacheEntry): string {
  return `${key}-${process.platform}-${process.arch}`;
}

/** The client takes patterns: what would be one in the path of the folder stands for itself. */
function patternsOf({ root, paths }: CacheEntry): string[] {
  const literal = root.replaceAll(/[*?[]/g, '[$&]');
  return paths.map((path) => join(literal, path));
}

async function requireGnuTar(environment: Environment): Promise<void> {
  const { getExecOutput } = await import('@actions/exec');
  const options = { silent: true, ignoreReturnCode: true, env: { PATH: environment['PATH'] ?? '' } };
  const { stdout } = await getExecOutput('tar', ['--version'], options).catch((error: unknown) => {
    throw new OutsideError('cache-unavailable', `tar cannot be started: ${errorMessage(error)}`, { cause: error });
  });
  if (!stdout.includes('GNU tar')) throw new OutsideError('cache-unavailable', 'tar is not that of GNU here');
}

/** Sets variables of this process while the work is done. */
async function within<T>(environment: Environment, changes: Environment, work: () => Promise<T>): Promise<T> {
  const before = Object.keys(changes).map((name) => [name, environment[name]] as const);
  Object.assign(environment, changes);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete environment[name];
      else environment[name] = value;
    }
  }
}
