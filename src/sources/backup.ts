import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Machine } from '../machines/machine.ts';
import type { Clock } from '../platform/clock.ts';
import type { StepLog } from '../platform/log.ts';
import { diskFull, requireRoom } from '../stores/disk.ts';
import type { Store } from '../stores/store.ts';
import { type WrittenArchive, writeArchive } from './archive.ts';
import { archiveName, BackupRecord, type Manifest, manifestName } from './manifest.ts';
import type { Source } from './source.ts';

export interface BackupJob {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
  /** The release that is live, if there is one. */
  readonly live?: { readonly release: string; readonly version: string };
  readonly sources: readonly Source[];
  readonly store: Store;
  readonly machine: Pick<Machine, 'files'>;
  /** A folder of the machine for temporary copies; made when it is not there. Best on the disk of the state. */
  readonly scratch: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<StepLog, 'progress'>;
  readonly signal: AbortSignal;
}

/** The archive and the unpacked copy of the proof, with some room for what is written meanwhile. */
const ROOM_IN_ALL = 2.2;
const ROOM_FOR_ARCHIVE = 1.1;

/**
 * Takes a copy of all sources into the store: `<id>.tar.zst`, then `<id>.json`, with which the backup exists.
 * Rejects with `disk-full` before it begins when there is no room, and leaves nothing behind when it fails.
 */
export async function takeBackup(job: BackupJob): Promise<BackupRecord> {
  const { id, store, clock } = job;
  const { files } = job.machine;
  const startedMs = clock.now();
  const scratch = join(job.scratch, `backup-${id}`);
  await files.remove(scratch);
  await files.makeDirectory(scratch, 0o700);
  try {
    const estimate = await requireRoomFor(job, scratch);
    const fingerprints = new Map<string, string | undefined>();
    for (const source of job.sources) fingerprints.set(source.name, await source.fingerprint());
    const archive = await writeArchive({
      name: archiveName(id),
      sources: job.sources,
      store,
      files,
      scratch,
      signal: job.signal,
      onProgress: (bytes) => job.log.progress(bytes, Math.max(bytes, estimate), 'bytes'),
    });
    const manifest = describeBackup(job, archive, fingerprints, startedMs);
    try {
      await store.put(manifestName(id), Readable.from([Buffer.from(`${JSON.stringify(manifest)}\n`)]));
    } catch (error) {
      await store.remove(archiveName(id));
      throw error;
    }
    return recordOf(manifest);
  } finally {
    await files.remove(scratch);
  }
}

/** What is known of a backup, without the list of its files. */
export function recordOf({ entries: _, ...record }: Manifest): BackupRecord {
  return BackupRecord.parse(record);
}

/** Bytes that the copy will have, roughly. Throws `disk-full` when there is no room for archive and proof. */
async function requireRoomFor(job: BackupJob, scratch: string): Promise<number> {
  let estimate = 0;
  for (const source of job.sources) estimate += await source.estimate();
  await requireRoom(scratch, estimate * ROOM_IN_ALL, job.machine.files);
  const free = await job.store.freeBytes();
  const needed = estimate * ROOM_FOR_ARCHIVE;
  if (free !== undefined && free < needed) throw diskFull(job.store.place, free, needed);
  return estimate;
}

function describeBackup(
  job: BackupJob,
  archive: WrittenArchive,
  fingerprints: ReadonlyMap<string, string | undefined>,
  startedMs: number,
): Manifest {
  const { id, project, environment, live } = job;
  return {
    schema: 1,
    id,
    createdAt: new Date(startedMs).toISOString(),
    durationMs: job.clock.now() - startedMs,
    project,
    environment,
    ...(live === undefined ? {} : { release: live.release, version: live.version }),
    sizeBytes: archive.sizeBytes,
    archiveSha256: archive.sha256,
    contentBytes: bytesOf(archive.entries),
    entryCount: archive.entries.length,
    sources: job.sources.map(({ name, kind }) => {
      const own = archive.entries.filter((entry) => entry.source === name);
      const fingerprint = fingerprints.get(name) ?? null;
      return { name, kind, fingerprint, entryCount: own.length, contentBytes: bytesOf(own) };
    }),
    notices: [...archive.notices],
    entries: [...archive.entries],
  };
}

function bytesOf(entries: WrittenArchive['entries']): number {
  return entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0);
}
