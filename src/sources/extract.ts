import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { Interrupted, OutsideError, UserError } from '../core/errors.ts';
import type { Machine } from '../machines/machine.ts';
import { isDiskFull, namingFullDisk } from '../stores/disk.ts';
import type { Store } from '../stores/store.ts';
import { tapping } from './archive.ts';
import { archiveName, archivePath, assertRestorable, damaged, type Manifest, type ManifestEntry } from './manifest.ts';
import { dress, giveOwner } from './tree.ts';

export interface ExtractJob {
  readonly manifest: Manifest;
  readonly store: Pick<Store, 'open'>;
  readonly files: Machine['files'];
  /** The folder that shall hold one folder for each source. Must not exist. */
  readonly into: string;
  readonly signal: AbortSignal;
  /** Bytes written so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** Room that the archive format itself may take for one entry: headers, padding, long names. */
const ENTRY_OVERHEAD_BYTES = 16 * 1024;

/**
 * Unpacks a backup, strictly: the archive must hold exactly the entries of the manifest, in its order, with its sizes,
 * modes, link targets and digests, and itself have the digest that the manifest says. Anything else is `backup-damaged`.
 * `into` appears only when all of that holds; what was half-written is removed.
 */
export async function extractArchive(job: ExtractJob): Promise<void> {
  const { manifest, files, into } = job;
  assertRestorable(manifest);
  const partial = `${into}.partial`;
  await files.remove(partial);
  await files.makeDirectory(partial, 0o700);
  try {
    await namingFullDisk(partial, manifest.contentBytes, () => unpack(job, partial), files);
    await files.rename(partial, into);
  } catch (error) {
    await files.remove(partial);
    // What the decoders say about broken bytes; our own errors and those of the disk say enough already.
    const isOurs = error instanceof OutsideError || error instanceof UserError || error instanceof Interrupted;
    if (isOurs || isSystemError(error)) throw error;
    throw damaged(manifest.id, 'its archive cannot be read', error);
  }
}

async function unpack(job: ExtractJob, folder: string): Promise<void> {
  const { manifest } = job;
  const content = await job.store.open(archiveName(manifest.id));
  const hash = createHash('sha256');
  let packedBytes = 0;
  const packed = tapping((chunk) => {
    hash.update(chunk);
    packedBytes += chunk.length;
    if (packedBytes > manifest.sizeBytes) throw damaged(manifest.id, 'its archive is larger than it was');
  });
  const limit = manifest.contentBytes + (manifest.entries.length + 2) * ENTRY_OVERHEAD_BYTES + longNames(manifest);
  let plainBytes = 0;
  const plain = tapping((chunk) => {
    plainBytes += chunk.length;
    if (plainBytes > limit) throw damaged(manifest.id, 'its archive unpacks to more than it should');
  });
  const decompressing = pipeline(content, packed, createZstdDecompress(), plain);
  const decoder = createTarDecoder({ strict: true });
  const results = await Promise.allSettled([
    decompressing,
    writeEntries(Readable.toWeb(plain).pipeThrough(decoder), job, folder).catch((error: unknown) => {
      content.destroy();
      throw error;
    }),
  ]);
  const [reading, writing] = results;
  // A reason that we found ourselves says more than a stream that ended too early.
  const reasons = [writing, reading].flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const reason = reasons.find((each) => each instanceof OutsideError || isDiskFull(each)) ?? reasons[0];
  if (reason !== undefined) throw reason;
  if (packedBytes !== manifest.sizeBytes || hash.digest('hex') !== manifest.archiveSha256) {
    throw damaged(manifest.id, 'its archive does not have the digest that its manifest says');
  }
}

type Decoded = ReturnType<typeof createTarDecoder>['readable'];

async function writeEntries(decoded: Decoded, job: ExtractJob, folder: string): Promise<void> {
  const { manifest, files } = job;
  let index = 0;
  let bytes = 0;
  for await (const { header, body } of decoded) {
    if (job.signal.aborted) throw new Interrupted();
    const entry = manifest.entries[index];
    index += 1;
    if (entry === undefined)
      throw damaged(manifest.id, `its archive holds ${header.name}, which its manifest does not`);
    const difference = compareHeader(entry, header);
    if (difference !== undefined) throw damaged(manifest.id, `${archivePath(entry)} in its archive ${difference}`);
    const path = join(folder, archivePath(entry));
    switch (entry.type) {
      case 'directory':
        await files.makeDirectory(path, 0o700);
        break;
      case 'link':
        await files.link(entry.linkTarget, path);
        await giveOwner(path, entry, files);
        break;
      case 'file': {
        const hash = createHash('sha256');
        const content = async function* () {
          for await (const chunk of body) {
            hash.update(chunk);
            yield chunk;
          }
        };
        await pipeline(content, files.openWrite(path, 0o600));
        if (hash.digest('hex') !== entry.sha256)
          throw damaged(manifest.id, `${archivePath(entry)} has another content`);
        await dress(path, entry, files);
        bytes += entry.sizeBytes;
        job.onProgress?.(bytes);
      }
    }
  }
  if (index !== manifest.entries.length) {
    throw damaged(
      manifest.id,
      `its archive ends before ${archivePath(manifest.entries[index] ?? { source: '', path: '' })}`,
    );
  }
  for (const entry of manifest.entries.toReversed()) {
    if (entry.type === 'directory') await dress(join(folder, archivePath(entry)), entry, files);
  }
}

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type?: string;
  readonly mode?: number;
  readonly linkname?: string;
}

const TYPES = { file: 'file', directory: 'directory', symlink: 'link' } as const;

/** What is wrong with an entry of the archive; undefined when it is the one that the manifest says. */
function compareHeader(entry: ManifestEntry, header: Header): string | undefined {
  const type = Object.entries(TYPES).find(([name]) => name === header.type)?.[1];
  const name = entry.type === 'directory' ? `${archivePath(entry)}/` : archivePath(entry);
  if (header.name !== name) return `is called ${JSON.stringify(header.name)}`;
  if (type !== entry.type) return `is a ${header.type ?? 'thing without a type'}`;
  if (header.mode !== entry.mode) return 'has other permissions';
  if (header.size !== (entry.type === 'file' ? entry.sizeBytes : 0)) return 'has another size';
  if (entry.type === 'link' && header.linkname !== entry.linkTarget) return 'points to another place';
  return undefined;
}

function longNames(manifest: Manifest): number {
  return manifest.entries.reduce((sum, entry) => sum + 4 * archivePath(entry).length, 0);
}

/** Errors of the disk have a number; those of decoders have none. */
function isSystemError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}
