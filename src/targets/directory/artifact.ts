import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createTarPacker } from 'modern-tar';
import { formatBytes } from '../../core/bytes.ts';
import { UserError } from '../../core/errors.ts';
import { isWithin } from '../../core/paths.ts';
import type { Files } from '../../platform/files.ts';
import { type Member, membersOf, walk } from './artifact-members.ts';

export interface StagedArtifact {
  /** SHA-256 over paths, modes and contents of files and targets of links, in order of path. */
  readonly digest: string;
  readonly files: number;
  readonly sizeBytes: number;
  /** Paths that were left out because a shared folder takes their place. */
  readonly replaced: readonly string[];
}

/** How much an artifact of somebody else may hold. */
export interface ArtifactLimits {
  readonly entries: number;
  readonly sizeBytes: number;
  /** Folders within folders. */
  readonly depth: number;
}

const NO_LIMITS: ArtifactLimits = {
  entries: Number.POSITIVE_INFINITY,
  sizeBytes: Number.POSITIVE_INFINITY,
  depth: Number.POSITIVE_INFINITY,
};

/**
 * Copies an artifact (a folder, .tar, .tar.gz, .tar.zst of this computer) into a folder of the machine.
 * Links may only point inside; anything but files, folders and links is refused. What lies at a shared path is left out.
 * Throws UserError `artifact-too-large` once it holds more than the limits allow.
 */
export async function stageArtifact(
  artifact: string,
  destination: string,
  shared: readonly string[],
  { from, to }: { from: Files; to: Files },
  limits: ArtifactLimits = NO_LIMITS,
): Promise<StagedArtifact> {
  const tally: Tally = { lines: [], replaced: [], limits, entries: 0, files: 0, sizeBytes: 0 };
  await to.makeDirectory(destination);
  const members = chosenMembers(artifact, shared, tally, from);
  // A machine that is far away gets all files in one stream: a question for each would take minutes.
  if (to.unpack === undefined) await writeMembers(members, destination, tally, to);
  else await sendMembers(members, destination, tally, to.unpack);
  if (tally.files === 0) {
    throw new UserError('artifact-empty', `the artifact ${artifact} holds no file`, {
      hint: 'Build it first, or name the folder that the build leaves.',
    });
  }
  const { lines, files, sizeBytes, replaced } = tally;
  return { digest: digestOf(lines), files, sizeBytes, replaced };
}

/** What is known of an artifact while it is copied. */
interface Tally {
  readonly lines: string[];
  readonly replaced: string[];
  readonly limits: ArtifactLimits;
  entries: number;
  files: number;
  sizeBytes: number;
}

/** Members that belong on the machine, each one allowed. */
async function* chosenMembers(
  artifact: string,
  shared: readonly string[],
  tally: Tally,
  files: Files,
): AsyncGenerator<Member> {
  const { lines, replaced, limits } = tally;
  for await (const member of membersOf(artifact, files)) {
    tally.entries += 1;
    if (tally.entries > limits.entries) throw tooLarge(`more than ${limits.entries} entries`);
    if (member.path.split('/').length > limits.depth) throw tooLarge(`folders more than ${limits.depth} deep`);
    if (shared.some((path) => isInside(path, member.path))) {
      if (member.type === 'file') replaced.push(member.path);
      continue;
    }
    if (member.type === 'link') {
      refuseOutside(member.path, member.linkTarget ?? '');
      lines.push(line(member.path, 'link', 0, member.linkTarget ?? ''));
    }
    yield member;
  }
}

async function writeMembers(
  members: AsyncIterable<Member>,
  destination: string,
  tally: Tally,
  to: Files,
): Promise<void> {
  for await (const member of members) {
    const path = join(destination, member.path);
    await to.makeDirectory(join(path, '..'));
    if (member.type === 'directory') await to.makeDirectory(path);
    else if (member.type === 'link') await to.link(member.linkTarget ?? '', path);
    else {
      const { content, counted } = tallied(member, tally);
      await pipeline(content, to.openWrite(path, member.mode));
      await to.setMode(path, member.mode);
      counted();
    }
  }
}

async function sendMembers(
  members: AsyncIterable<Member>,
  destination: string,
  tally: Tally,
  unpack: NonNullable<Files['unpack']>,
): Promise<void> {
  const { readable, controller } = createTarPacker();
  const packing = async () => {
    for await (const member of members) {
      const header = { name: member.path, mode: member.mode };
      if (member.type === 'directory') {
        await controller.add({ ...header, name: `${member.path}/`, type: 'directory', size: 0 }).close();
      } else if (member.type === 'link') {
        await controller.add({ ...header, type: 'symlink', linkname: member.linkTarget ?? '', size: 0 }).close();
      } else {
        const { content, counted } = tallied(member, tally);
        const entry = controller.add({ ...header, type: 'file', size: member.sizeBytes ?? 0 });
        await Readable.toWeb(content).pipeTo(entry);
        counted();
      }
    }
    controller.finalize();
  };
  const packed = packing();
  packed.catch((error: unknown) => controller.error(error));
  const [unpacked, sent] = await Promise.allSettled([unpack(Readable.fromWeb(readable), destination), packed]);
  if (sent.status === 'rejected') throw sent.reason;
  if (unpacked.status === 'rejected') throw unpacked.reason;
}

/** The content of a file, measured on its way; `counted` enters it once it has arrived. */
function tallied(member: Member, tally: Tally): { readonly content: Readable; counted(): void } {
  const hash = createHash('sha256');
  const content = member.open?.();
  if (content === undefined) throw new Error(`${member.path} has no content`);
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      tally.sizeBytes += chunk.length;
      const isTooMuch = tally.sizeBytes > tally.limits.sizeBytes;
      done(isTooMuch ? tooLarge(`more than ${formatBytes(tally.limits.sizeBytes)}`) : null, chunk);
    },
  });
  content.on('error', (error) => tap.destroy(error));
  return {
    content: content.pipe(tap),
    counted() {
      tally.files += 1;
      tally.lines.push(line(member.path, 'file', member.mode, hash.digest('hex')));
    },
  };
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
  return isWithin(posix.normalize(folder).replace(/\/$/, ''), path);
}

function tooLarge(what: string): UserError {
  return new UserError('artifact-too-large', `the artifact holds ${what}`);
}

/**
 * Throws UserError `artifact-unsafe` for a link at `path` that leads out of the folder that both are relative to. To go
 * up after going down is refused too: what lies below may be another link, and then `..` is not the folder that it seems.
 */
export function refuseOutside(path: string, target: string): void {
  const end = posix.normalize(posix.join(posix.dirname(path), target));
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const isWinding = steps.some((step, index) => step === '..' && index > 0 && steps[index - 1] !== '..');
  if (posix.isAbsolute(target) || end === '..' || end.startsWith('../') || isWinding) {
    throw new UserError('artifact-unsafe', `the artifact holds the link ${path}, which points outside to ${target}`, {
      hint: 'Links in an artifact may only point to its own files.',
    });
  }
}
