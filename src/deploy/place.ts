import { basename, dirname, join, resolve } from 'node:path';
import { errorCode, Interrupted, UserError } from '../core/errors.ts';
import { isWithin } from '../core/paths.ts';
import type { Platform } from '../platform/platform.ts';

/** Files that were unpacked beside the folder that they belong into. */
export interface Placing {
  /** A folder on the same disk, with nothing in it but what is to be placed. Whatever it holds is moved away. */
  readonly from: string;
  /** The existing folder that they go into. */
  readonly into: string;
  /** Absolute paths that nothing may be put over, into or above: holdfast.yml, the root of an environment. */
  readonly guarded: readonly string[];
  /** Paths relative to `into` that are replaced as a whole; everything else is added to what is there. */
  readonly whole: readonly string[];
  /** An empty folder on the same disk, for what is replaced. */
  readonly aside: string;
}

type PlacePlatform = Pick<Platform, 'files' | 'signal'>;

/** One rename that was done. */
interface Move {
  readonly from: string;
  readonly to: string;
}

interface Placement extends Placing {
  /** Of `into`, without links. */
  readonly root: string;
  readonly files: PlacePlatform['files'];
  readonly signal: AbortSignal;
  readonly done: Move[];
  /** Where links came to lie. */
  readonly links: string[];
}

/**
 * Puts unpacked files in place: all of them, or, when one is refused or fails, none. Throws UserError `artifact-unsafe`
 * for what may not lie where it would: in a `.git`, at a guarded path, behind a link that leads out of the folder, for a
 * link that leads out of it, and for what is neither a file, a folder nor a link or runs as another user.
 */
export async function place(placing: Placing, platform: PlacePlatform): Promise<void> {
  const { files, signal } = platform;
  const root = await files.realPath(placing.into);
  // A guarded link is guarded where it lies and where it leads.
  const guarded = await Promise.all(
    placing.guarded.flatMap((path) => [
      realPlace(path, files),
      realPlace(dirname(path), files).then((folder) => join(folder, basename(path))),
    ]),
  );
  const placement: Placement = { ...placing, guarded, root, files, signal, done: [], links: [] };
  try {
    await placeBelow('', root, placement);
    for (const link of placement.links) await refuseOutward(link, placement);
  } catch (error) {
    for (const { from, to } of placement.done.toReversed()) await files.rename(to, from);
    throw error;
  }
}

/** `path` is relative to what is placed; `folder` is where it belongs, an existing folder without links in its path. */
async function placeBelow(path: string, folder: string, placement: Placement): Promise<void> {
  const { files, from, whole } = placement;
  for (const name of await files.list(join(from, path))) {
    const member = join(path, name);
    const source = join(from, member);
    const destination = join(folder, name);
    await judge(source, destination, placement);
    const [ours, theirs] = await Promise.all([files.status(source), files.status(destination)]);
    if (theirs === undefined || whole.includes(member)) {
      await move(source, destination, placement);
    } else if (ours?.type === 'directory') {
      await placeBelow(member, await folderAt(destination, placement), placement);
    } else if (theirs.type === 'directory') {
      throw unsafe(`${member}, and a folder lies there`);
    } else {
      await move(source, destination, placement);
    }
  }
}

/** Judges a member and everything below it before it is moved as one. */
async function move(source: string, destination: string, placement: Placement): Promise<void> {
  const { files, aside, done, guarded, signal } = placement;
  if (signal.aborted) throw new Interrupted();
  await judgeBelow(source, destination, placement);
  const lost = guarded.find((path) => path.startsWith(`${destination}/`));
  if (lost !== undefined) throw unsafe(`${destination}, which holds ${lost}`);
  if ((await files.status(destination)) !== undefined) await rename(destination, join(aside, String(done.length)));
  await rename(source, destination);

  async function rename(from: string, to: string): Promise<void> {
    await files.rename(from, to);
    done.push({ from, to });
  }
}

async function judgeBelow(source: string, destination: string, placement: Placement): Promise<void> {
  const { files, links } = placement;
  const status = await files.status(source);
  if (status?.type === 'link') links.push(destination);
  if (status?.type !== 'directory') return;
  for (const name of await files.list(source)) {
    await judge(join(source, name), join(destination, name), placement);
    await judgeBelow(join(source, name), join(destination, name), placement);
  }
}

/** May this lie there? On disks that tell no upper from lower case, `.GIT` is `.git`. */
async function judge(source: string, destination: string, { files, root, guarded }: Placement): Promise<void> {
  const inside = destination.slice(root.length + 1);
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  if (inside.split('/').some((name) => same(name, '.git'))) throw unsafe(`${inside}, which is Git's own`);
  const status = await files.status(source);
  const isGuarded = guarded.some(
    (path) =>
      same(path, destination) ||
      same(destination.slice(0, path.length + 1), `${path}/`) ||
      (status?.type !== 'directory' && same(path.slice(0, destination.length + 1), `${destination}/`)),
  );
  if (isGuarded) throw unsafe(`${inside}, which is not its to write`);
  if (status?.type === 'other') throw unsafe(`${inside}, which is neither a file, a folder nor a link`);
  if (status?.type === 'file' && (status.mode & 0o6000) !== 0) throw unsafe(`${inside}, which runs as another user`);
}

/** The folder at a path that is there already, which may be a link to a folder inside. */
async function folderAt(path: string, { files, root }: Placement): Promise<string> {
  const real = await realPlace(path, files);
  if (!isWithin(root, real)) throw unsafe(`files behind the link ${path}, which leads to ${real}`);
  if ((await files.status(real))?.type === 'directory') return real;
  throw unsafe(`a folder where ${path} lies`);
}

/** As many links in a row as the system follows. */
const MAX_LINKS = 40;

/** What a link leads to lies inside, or would lie there if it were made. */
async function refuseOutward(link: string, { files, root }: Placement): Promise<void> {
  let from = link;
  for (let hops = 0; hops < MAX_LINKS; hops += 1) {
    let path = resolve(dirname(from), (await files.readLink(from)) ?? '');
    while ((await realOf(path, files)) === undefined && (await files.status(path))?.type !== 'link')
      path = dirname(path);
    const real = await realOf(path, files);
    if (real !== undefined && isWithin(root, real)) return;
    if (real !== undefined) break;
    // It leads nowhere by way of a link that leads nowhere.
    from = path;
  }
  throw unsafe(`the link ${link}, which leads outside to ${await files.readLink(link)}`);
}

/** The path without links, also where nothing lies yet. */
async function realPlace(path: string, files: Placement['files']): Promise<string> {
  return (await realOf(path, files)) ?? join(await realPlace(dirname(path), files), basename(path));
}

/** Undefined where nothing lies. */
async function realOf(path: string, files: Placement['files']): Promise<string | undefined> {
  try {
    return await files.realPath(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

function unsafe(what: string): UserError {
  return new UserError('artifact-unsafe', `the artifact would bring ${what}`, {
    hint: 'Only files, folders and links of the artifact itself may be in it, below the folder of the configuration file.',
  });
}
