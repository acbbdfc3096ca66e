import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { errorMessage, UserError } from '../../core/errors.ts';
import type { Files } from '../../platform/files.ts';

/** One member of an artifact, in the order in which it can be written. Paths are relative with `/`. */
interface Member {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  readonly mode: number;
  readonly linkTarget?: string;
  open?(): Readable;
}

export interface StagedArtifact {
  /** SHA-256 over paths, modes and contents of files and targets of links, in order of path. */
  readonly digest: string;
  readonly files: number;
  readonly sizeBytes: number;
  /** Paths that were left out because a shared folder takes their place. */
  readonly replaced: readonly string[];
}

/**
 * Copies an artifact (a folder, .tar, .tar.gz, .tar.zst of this computer) into a folder of the machine.
 * Links may only point inside; anything but files, folders and links is refused. What lies at a shared path is left out.
 */
export async function stageArtifact(
  artifact: string,
  destination: string,
  shared: readonly string[],
  { from, to }: { from: Files; to: Files },
): Promise<StagedArtifact> {
  const lines: string[] = [];
  const replaced: string[] = [];
  let files = 0;
  let sizeBytes = 0;
  await to.makeDirectory(destination);
  for await (const member of membersOf(artifact, from)) {
    if (shared.some((path) => isInside(path, member.path))) {
      if (member.type === 'file') replaced.push(member.path);
      continue;
    }
    const path = join(destination, member.path);
    await to.makeDirectory(join(path, '..'));
    if (member.type === 'directory') {
      await to.makeDirectory(path);
    } else if (member.type === 'link') {
      const target = member.linkTarget ?? '';
      refuseOutside(member.path, target);
      await to.link(target, path);
      lines.push(line(member.path, 'link', 0, target));
    } else {
      const hash = createHash('sha256');
      const content = member.open?.();
      if (content === undefined) throw new Error(`${member.path} has no content`);
      content.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        sizeBytes += chunk.length;
      });
      await pipeline(content, to.openWrite(path, member.mode));
      await to.setMode(path, member.mode);
      files += 1;
      lines.push(line(member.path, 'file', member.mode, hash.digest('hex')));
    }
  }
  if (files === 0) {
    throw new UserError('artifact-empty', `the artifact ${artifact} holds no file`, {
      hint: 'Build it first, or name the folder that the build leaves.',
    });
  }
  return { digest: digestOf(lines), files, sizeBytes, replaced };
}

/** The digest that `stageArtifact` gave, computed again from the folder. Shared paths are left out. */
export async function digestFolder(folder: string, shared: readonly string[], files: Files): Promise<string> {
  const lines: string[] = [];
  for await (const member of walk(folder, '', files)) {
    if (shared.some((path) => isInside(path, member.path))) continue;
    if (member.type === 'link') lines.push(line(member.path, 'link', 0, member.linkTarget ?? ''));
    if (member.type === 'file') {
      const hash = createHash('sha256');
      const content = member.open?.();
      if (content !== undefined) for await (const chunk of content) hash.update(chunk);
      lines.push(line(member.path, 'file', member.mode, hash.digest('hex')));
    }
  }
  return digestOf(lines);
}

function line(path: string, type: string, mode: number, content: string): string {
  return JSON.stringify([path, type, mode, content]);
}

function digestOf(lines: readonly string[]): string {
  const sorted = [...lines].sort();
  return createHash('sha256').update(sorted.join('\n')).digest('hex');
}

/** True when `path` is `folder` or below it. */
function isInside(folder: string, path: string): boolean {
  const clean = posix.normalize(folder).replace(/\/$/, '');
  return path === clean || path.startsWith(`${clean}/`);
}

async function* membersOf(artifact: string, files: Files): AsyncGenerator<Member> {
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

async function* walk(root: string, below: string, files: Files): AsyncGenerator<Member> {
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
      yield { path, type: 'file', mode: fileMode(status.mode), open: () => files.openRead(join(root, path)) };
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
      path.startsWith('..') ||
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
      yield { path, type: 'file', mode: fileMode(header.mode ?? 0o644), open: () => Readable.fromWeb(body as never) };
    } else {
      throw new UserError(
        'artifact-unsafe',
        `the artifact ${artifact} holds ${header.name}, a ${header.type}, which is not allowed`,
      );
    }
  }
}

function refuseOutside(path: string, target: string): void {
  const end = posix.normalize(posix.join(posix.dirname(path), target));
  if (posix.isAbsolute(target) || end === '..' || end.startsWith('../')) {
    throw new UserError('artifact-unsafe', `the artifact holds the link ${path}, which points outside to ${target}`, {
      hint: 'Links in an artifact may only point to its own files.',
    });
  }
}

/** What counts of a mode is whether it can be executed: owners and umasks differ between computers. */
function fileMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}
