import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { errorMessage, UserError } from '../../core/errors.ts';
import type { Files } from '../../platform/files.ts';

/** One member of an artifact, in the order in which it can be written. Paths are relative with `/`. */
export interface Member {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  readonly mode: number;
  readonly linkTarget?: string;
  /** For files. */
  readonly sizeBytes?: number;
  open?(): Readable;
}

/** All members of an artifact, in the order in which they can be written. Throws UserError for what is not one. */
export async function* membersOf(artifact: string, files: Files): AsyncGenerator<Member> {
  const status = await files.status(artifact);
  const resolved = status?.type === 'link' ? await files.realPath(artifact) : artifact;
  const type = status?.type === 'link' ? (await files.status(resolved))?.type : status?.type;
  if (type === undefined) {
    throw new UserError('artifact-missing', `there is no artifact at ${artifact}`, {
      hint: 'Build it first, or correct `artifact` in the configuration.',
    });
  }
  if (type === 'directory') {
    yield* walk(resolved, '', files);
    return;
  }
  if (!/\.(tar|tar\.gz|tgz|tar\.zst)$/.test(artifact)) {
    throw new UserError(
      'artifact-unknown',
      `the artifact ${artifact} is neither a folder nor a .tar, .tar.gz or .tar.zst`,
    );
  }
  try {
    yield* unpack(artifact, files.openRead(resolved));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError('artifact-broken', `the artifact ${artifact} cannot be unpacked: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** All members of a folder; its history, where it is a checkout, is not part of what runs. */
export async function* walk(root: string, below: string, files: Files): AsyncGenerator<Member> {
  for (const name of await files.list(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    // A checkout may be an artifact; its history is not part of what runs.
    if (path === '.git') continue;
    const status = await files.status(join(root, path));
    if (status === undefined) continue;
    if (status.type === 'directory') {
      yield { path, type: 'directory', mode: 0o755 };
      yield* walk(root, path, files);
    } else if (status.type === 'link') {
      const linkTarget = (await files.readLink(join(root, path))) ?? '';
      yield { path, type: 'link', mode: 0o777, linkTarget };
    } else if (status.type === 'file') {
      yield {
        path,
        type: 'file',
        mode: fileMode(status.mode),
        sizeBytes: status.sizeBytes,
        open: () => files.openRead(join(root, path)),
      };
    } else {
      throw new UserError(
        'artifact-unsafe',
        `the artifact holds ${path}, which is neither a file, a folder nor a link`,
      );
    }
  }
}

async function* unpack(artifact: string, raw: Readable): AsyncGenerator<Member> {
  const plain = artifact.endsWith('.zst')
    ? raw.pipe(createZstdDecompress())
    : artifact.endsWith('gz')
      ? raw.pipe(createGunzip())
      : raw;
  raw.on('error', (error) => plain.destroy(error));
  const seen = new Set<string>();
  const links = new Set<string>();
  for await (const { header, body } of Readable.toWeb(plain).pipeThrough(createTarDecoder())) {
    const path = posix.normalize(header.name).replace(/\/$/, '');
    if (path === '.' || header.type === 'pax-global-header') {
      await body.cancel();
      continue;
    }
    const parents = path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
    if (
      posix.isAbsolute(path) ||
      path === '..' ||
      path.startsWith('../') ||
      seen.has(path) ||
      parents.some((parent) => links.has(parent))
    ) {
      throw new UserError(
        'artifact-unsafe',
        `the artifact ${artifact} holds the path ${header.name}, which is not allowed`,
      );
    }
    if (header.type !== 'directory') seen.add(path);
    if (header.type === 'directory') {
      await body.cancel();
      yield { path, type: 'directory', mode: 0o755 };
    } else if (header.type === 'symlink') {
      await body.cancel();
      links.add(path);
      yield { path, type: 'link', mode: 0o777, linkTarget: header.linkname ?? '' };
    } else if (header.type === 'file' || header.type === undefined) {
      const mode = fileMode(header.mode ?? 0o644);
      yield { path, type: 'file', mode, sizeBytes: header.size, open: () => Readable.fromWeb(body as never) };
    } else {
      throw new UserError(
        'artifact-unsafe',
        `the artifact ${artifact} holds ${header.name}, a ${header.type}, which is not allowed`,
      );
    }
  }
}

/** What counts of a mode is whether it can be executed: owners and umasks differ between computers. */
function fileMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}
