import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { createTarPacker } from 'modern-tar';
import { Interrupted } from '../core/errors.ts';
import type { Machine } from '../machines/machine.ts';
import { namingFullDisk } from '../stores/disk.ts';
import type { Store } from '../stores/store.ts';
import { archivePath, type ManifestEntry } from './manifest.ts';
import type { DumpEntry, Notice, Source } from './source.ts';

export interface ArchiveJob {
  /** Name in the store. */
  readonly name: string;
  readonly sources: readonly Source[];
  readonly store: Store;
  readonly files: Machine['files'];
  /** An existing private folder for temporary copies. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Bytes taken so far, before compression. */
  readonly onProgress?: (bytes: number) => void;
}

export interface WrittenArchive {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly entries: readonly ManifestEntry[];
  readonly notices: readonly (Notice & { readonly source: string })[];
}

type Packer = ReturnType<typeof createTarPacker>['controller'];

/**
 * Writes one tar + zstd archive of all sources into the store, streamed: memory does not grow with the size of the
 * state, only with the number of files. When anything fails, nothing is left in the store.
 */
export async function writeArchive(job: ArchiveJob): Promise<WrittenArchive> {
  const { readable, controller } = createTarPacker();
  const hash = createHash('sha256');
  const tap = tapping((chunk) => hash.update(chunk));
  // Its failure ends `tap`, and with it the store's reading.
  const compressing = pipeline(Readable.fromWeb(readable), createZstdCompress(), tap);
  const storing = job.store.put(job.name, tap);
  const packing = packSources(job, controller);
  packing.catch((error: unknown) => controller.error(error));

  const [stored, packed] = await Promise.allSettled([storing, packing, compressing]);
  // The store's error comes first: a full store shows in the packing only as a stream that was closed.
  if (stored.status === 'rejected') throw stored.reason;
  if (packed.status === 'rejected') {
    await job.store.remove(job.name);
    throw packed.reason;
  }
  return { ...packed.value, sizeBytes: stored.value.sizeBytes, sha256: hash.digest('hex') };
}

async function packSources(job: ArchiveJob, controller: Packer): Promise<Pick<WrittenArchive, 'entries' | 'notices'>> {
  const entries: ManifestEntry[] = [];
  const notices: (Notice & { source: string })[] = [];
  let bytes = 0;
  for (const source of job.sources) {
    const dump = await source.dump(job.scratch);
    const packing = async () => {
      for await (const entry of dump.entries) {
        if (job.signal.aborted) throw new Interrupted();
        entries.push(await packEntry(source.name, entry, controller));
        bytes += entry.sizeBytes;
        job.onProgress?.(bytes);
      }
    };
    await namingFullDisk(job.scratch, undefined, packing, job.files);
    for (const notice of dump.notices) notices.push({ source: source.name, ...notice });
  }
  controller.finalize();
  return { entries, notices };
}

async function packEntry(source: string, entry: DumpEntry, controller: Packer): Promise<ManifestEntry> {
  const { path, mode, uid, gid, sizeBytes } = entry;
  const modifiedMs = Math.max(0, Math.floor(entry.modifiedMs));
  const common = { source, path, mode, uid, gid, modifiedMs };
  const name = archivePath(common);
  const header = { mode, uid, gid, mtime: new Date(modifiedMs) };
  switch (entry.type) {
    case 'directory':
      await controller.add({ name: `${name}/`, type: 'directory', size: 0, ...header }).close();
      return { type: 'directory', ...common };
    case 'link': {
      const linkTarget = entry.linkTarget ?? '';
      await controller.add({ name, type: 'symlink', size: 0, linkname: linkTarget, ...header }).close();
      return { type: 'link', ...common, linkTarget };
    }
    case 'file': {
      const content = await entry.open?.();
      if (content === undefined) throw new Error(`${name} is a file without content`);
      const hash = createHash('sha256');
      const writer = controller.add({ name, type: 'file', size: sizeBytes, ...header }).getWriter();
      for await (const chunk of content) {
        hash.update(chunk);
        await writer.write(chunk);
      }
      await writer.close();
      return { type: 'file', ...common, sizeBytes, sha256: hash.digest('hex') };
    }
  }
}

/** Passes bytes on and shows them. */
export function tapping(look: (chunk: Uint8Array) => void): Transform {
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      try {
        look(chunk);
        done(null, chunk);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}
