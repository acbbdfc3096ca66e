import { createHash } from 'node:crypto';
import { basename, isAbsolute, join, posix, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { createTarPacker } from 'modern-tar';
import { errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';
import type { Platform } from '../platform/platform.ts';
import { tapping } from '../sources/archive.ts';
import { namingFullDisk } from '../stores/disk.ts';
import { refuseOutside } from '../targets/directory/artifact.ts';
import { type Member, membersOf } from '../targets/directory/artifact-members.ts';

/** The one file in which what was built travels: GitHub keeps neither modes nor links of what it is given. */
export const PACKED_BUILD = 'holdfast-build.tar.gz';

export interface PackedBuild {
  readonly path: string;
  readonly sha256: string;
  readonly files: number;
  readonly sizeBytes: number;
}

export interface Packing {
  /** What the builds of the services left, as absolute paths, by service. */
  readonly outputs: ReadonlyMap<string, string>;
  /** The folder of holdfast.yml: paths in the archive are relative to it. */
  readonly directory: string;
  /** The name of holdfast.yml: it is no part of what was built. */
  readonly file: string;
  /** An existing folder. */
  readonly into: string;
}

type PackPlatform = Pick<Platform, 'files' | 'signal'>;

/**
 * Packs what was built into one tar + gzip file. The same files give the same bytes: sorted, no times, no owners, of the
 * modes only whether a file can be executed. Streamed. Folders called `.git` are left out. Throws UserError
 * `output-outside` for an output that lies outside of the folder of holdfast.yml, and `artifact-unsafe` for what no
 * release could take: links that lead out of an output, and what is neither a file, a folder nor a link.
 */
export async function packBuild(packing: Packing, platform: PackPlatform): Promise<PackedBuild> {
  const roots = await rootsOf(packing, platform);
  const path = join(packing.into, PACKED_BUILD);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const tap = tapping((chunk) => {
    hash.update(chunk);
    sizeBytes += chunk.length;
  });
  const { readable, controller } = createTarPacker();
  const writing = namingFullDisk(
    packing.into,
    undefined,
    () => pipeline(Readable.fromWeb(readable), createGzip(), tap, platform.files.openWrite(path, 0o600)),
    platform.files,
  );
  const adding = addRoots(roots, packing, controller, platform);
  adding.catch((error: unknown) => controller.error(error));
  const [written, added] = await Promise.allSettled([writing, adding]);
  // A disk that fails shows in the packing only as a stream that was closed.
  if (written.status === 'rejected' && isOfTheDisk(written.reason)) throw written.reason;
  if (added.status === 'rejected') throw added.reason;
  if (written.status === 'rejected') throw written.reason;
  return { path, sha256: hash.digest('hex'), files: added.value, sizeBytes };
}

/** The outputs relative to the folder, sorted, without those that lie in another. */
async function rootsOf({ outputs, directory }: Packing, { files }: PackPlatform): Promise<string[]> {
  const realFolder = await files.realPath(directory);
  const found: string[] = [];
  for (const [service, output] of outputs) {
    const path = relative(directory, output);
    const real = relative(realFolder, await files.realPath(output));
    if ([path, real].some((each) => each === '..' || each.startsWith('../') || isAbsolute(each))) {
      throw new UserError(
        'output-outside',
        `services.${service}.build.output names ${output}, which is outside of ${directory}`,
        { hint: 'Let the build write below the folder of the configuration file.' },
      );
    }
    found.push(posix.normalize(path === '' ? '.' : path));
  }
  const isIn = (path: string, root: string) => path !== root && (root === '.' || path.startsWith(`${root}/`));
  return [...new Set(found)].filter((path) => !found.some((root) => isIn(path, root))).sort();
}

type Packer = ReturnType<typeof createTarPacker>['controller'];

/** Answers how many files were added. */
async function addRoots(
  roots: readonly string[],
  packing: Packing,
  packer: Packer,
  platform: PackPlatform,
): Promise<number> {
  let count = 0;
  for (const root of roots) {
    for await (const member of packedMembers(root, packing, platform)) {
      if (platform.signal.aborted) throw new Interrupted();
      await addMember(member, packer);
      if (member.type === 'file') count += 1;
    }
  }
  packer.finalize();
  return count;
}

/** Members of one output, their paths relative to the folder of holdfast.yml. */
async function* packedMembers(root: string, packing: Packing, { files }: PackPlatform): AsyncGenerator<Member> {
  const start = join(packing.directory, root);
  const real = await files.realPath(start);
  const status = await files.status(real);
  if (status?.type === 'file') {
    const mode = (status.mode & 0o111) === 0 ? 0o644 : 0o755;
    yield { path: root, type: 'file', mode, sizeBytes: status.sizeBytes, open: () => files.openRead(real) };
    return;
  }
  if (root !== '.') yield { path: root, type: 'directory', mode: 0o755 };
  for await (const member of membersOf(real, files)) {
    if (member.path.split('/').includes('.git')) continue;
    if (root === '.' && member.path === basename(packing.file)) continue;
    if (member.type === 'link') refuseOutside(member.path, member.linkTarget ?? '');
    yield { ...member, path: posix.join(root, member.path) };
  }
}

async function addMember({ path, type, mode, linkTarget, sizeBytes, open }: Member, packer: Packer): Promise<void> {
  const header = { mode, uid: 0, gid: 0, mtime: new Date(0) };
  if (type === 'directory') {
    await packer.add({ ...header, name: `${path}/`, type, size: 0 }).close();
    return;
  }
  if (type === 'link') {
    await packer.add({ ...header, name: path, type: 'symlink', size: 0, linkname: linkTarget ?? '' }).close();
    return;
  }
  const content = open?.();
  if (content === undefined) throw new Error(`${path} is a file without content`);
  try {
    await Readable.toWeb(content).pipeTo(packer.add({ ...header, name: path, type, size: sizeBytes ?? 0 }));
  } catch (error) {
    if (isOfTheDisk(error)) throw error;
    throw new UserError('output-changed', `${path} changed while it was packed: ${errorMessage(error)}`, {
      hint: 'Let the build command end only when everything that it started has ended.',
      cause: error,
    });
  }
}

function isOfTheDisk(error: unknown): boolean {
  return error instanceof OutsideError || (typeof error === 'object' && error !== null && 'syscall' in error);
}
