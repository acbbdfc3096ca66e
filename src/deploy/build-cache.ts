import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { errorMessage, Interrupted, UserError } from '../core/errors.ts';
import { isWithin } from '../core/paths.ts';
import type { CacheEntry } from '../platform/build-cache.ts';
import type { Platform } from '../platform/platform.ts';
import type { BuildCacheSettings } from '../targets/settings.ts';
import { place } from './place.ts';

type CachePlatform = Pick<Platform, 'buildCache' | 'files' | 'log' | 'random' | 'signal'>;
type CachedBuild = Pick<Configuration, 'services' | 'directory' | 'file' | 'project'>;

/**
 * Runs the build of a service between taking over what an earlier run cached and caching what this one left. What lies
 * there already stays. A cache that fails is a warning, and the build runs without it; so does one that is not configured,
 * or where there is none.
 */
export async function withBuildCache(
  service: string,
  settings: CachedBuild,
  platform: CachePlatform,
  build: () => Promise<void>,
): Promise<void> {
  const cache = settings.services[service]?.build?.cache;
  const { buildCache, signal } = platform;
  if (cache === undefined || buildCache === undefined) {
    await build();
    return;
  }
  const guarded = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Interrupted || signal.aborted) throw error;
      platform.log.warn(`the cache of ${service} ${what}: ${errorMessage(error)}`);
      return undefined;
    }
  };
  const entry = await guarded('has no key', () => entryOf(service, cache, settings, platform));
  const isHit = entry && (await guarded('was not used', () => takeOver(service, entry, settings, platform)));
  await build();
  if (entry === undefined || isHit === true) return;
  await guarded('was not saved', async () => {
    await refuseElsewhere(entry, platform);
    const isSaved = await buildCache.save(entry);
    platform.log.info(`the cache of ${service} was ${isSaved ? '' : 'not '}saved`);
  });
}

/** Everything that decides what belongs into the cache, as one name. */
async function entryOf(
  service: string,
  { paths, key }: BuildCacheSettings,
  { directory, project }: CachedBuild,
  { files }: CachePlatform,
): Promise<CacheEntry> {
  const hash = createHash('sha256');
  for (const path of key) {
    const content = await files.read(join(directory, path));
    if (content === undefined) throw new UserError('cache-key-missing', `there is no ${path}`);
    hash.update(JSON.stringify([path, content.length]));
    hash.update(content);
  }
  return { key: `holdfast-${project}-${service}-${hash.digest('hex')}`, root: directory, paths };
}

/** True when something was taken over. */
async function takeOver(
  service: string,
  entry: CacheEntry,
  { directory, file }: CachedBuild,
  platform: CachePlatform,
): Promise<boolean> {
  const { buildCache, files, log, random } = platform;
  for (const path of entry.paths) {
    if ((await files.status(join(directory, path))) === undefined) continue;
    log.info(`the cache of ${service} was not used: ${path} is there already`);
    return false;
  }
  const beside = join(directory, `.holdfast-cache-${random.hex(8)}`);
  const [from, aside] = [join(beside, 'new'), join(beside, 'old')];
  try {
    for (const folder of [from, aside]) await files.makeDirectory(folder, 0o700);
    if ((await buildCache?.restore(entry, from)) !== true) return false;
    await refuseOthers('', from, entry, platform);
    await place({ from, into: directory, guarded: [join(directory, file)], whole: [], aside }, platform);
    log.info(`the cache of ${service} was used: ${entry.paths.join(', ')}`);
    return true;
  } finally {
    await files.remove(beside);
  }
}

/** Throws when what was restored holds anything beside the paths that were asked for. */
async function refuseOthers(path: string, from: string, entry: CacheEntry, platform: CachePlatform): Promise<void> {
  for (const name of await platform.files.list(join(from, path))) {
    const member = path === '' ? name : `${path}/${name}`;
    if (entry.paths.includes(member)) continue;
    if (!entry.paths.some((wanted) => wanted.startsWith(`${member}/`))) {
      throw new UserError('cache-unsafe', `it holds ${member}, which nobody asked for`);
    }
    await refuseOthers(member, from, entry, platform);
  }
}

/** Throws when a path to save lies behind a link that leads out of the folder. */
async function refuseElsewhere({ root, paths }: CacheEntry, { files }: CachePlatform): Promise<void> {
  const real = await files.realPath(root);
  for (const path of paths) {
    const parent = dirname(join(root, path));
    if ((await files.status(parent)) === undefined) continue;
    if (isWithin(real, await files.realPath(parent))) continue;
    throw new UserError('cache-unsafe', `${path} lies outside of ${root}`);
  }
}
