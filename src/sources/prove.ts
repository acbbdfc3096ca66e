import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { Machine } from '../machines/machine.ts';
import type { Clock } from '../platform/clock.ts';
import type { StepLog } from '../platform/log.ts';
import { requireRoom } from '../stores/disk.ts';
import type { Store } from '../stores/store.ts';
import { readManifest, storeProof } from './catalog.ts';
import { extractArchive } from './extract.ts';
import { archivePath, type BackupRecord, damaged, type Manifest, type Proof } from './manifest.ts';
import type { Notice, Source } from './source.ts';
import { describeDifferences, describeTree, type EntryFacts, summariseDifferences } from './tree.ts';

export interface ProofJob {
  readonly record: Pick<BackupRecord, 'id' | 'archiveSha256'>;
  readonly sources: readonly Source[];
  readonly store: Store;
  readonly machine: Pick<Machine, 'files'>;
  /** A folder of the machine for the unpacked copy; made when it is not there. */
  readonly scratch: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<StepLog, 'progress'>;
  readonly signal: AbortSignal;
}

/**
 * Shows that a backup restores, and stores the evidence beside it: reads it back from the store, unpacks it strictly,
 * reads every file again from the disk and compares its digest, and lets every source prove its part. Scratch is empty
 * afterwards, nothing live was touched. Rejects with an error that says what does not hold.
 */
export async function proveBackup(job: ProofJob): Promise<Proof> {
  const { record, store, clock } = job;
  const { files } = job.machine;
  const startedMs = clock.now();
  const scratch = join(job.scratch, `proof-${record.id}`);
  await files.remove(scratch);
  await files.makeDirectory(scratch, 0o700);
  try {
    const manifest = await readManifest(record.id, store);
    if (manifest.archiveSha256 !== record.archiveSha256) {
      throw damaged(record.id, 'its manifest is not the one that was written');
    }
    const folder = join(scratch, 'unpacked');
    await unpackVerified({ ...job, manifest, folder });
    const notices: (Notice & { source: string })[] = [];
    for (const { name, fingerprint } of manifest.sources) {
      const found = await sourceNamed(name, job.sources).prove(join(folder, name), fingerprint ?? undefined, scratch);
      notices.push(...found.map((notice) => ({ source: name, ...notice })));
    }
    const proof: Proof = {
      schema: 1,
      backup: record.id,
      verified: true,
      restoreMs: clock.now() - startedMs,
      entries: manifest.entryCount,
      bytes: manifest.contentBytes,
      checkedAt: new Date(clock.now()).toISOString(),
      notices,
    };
    await storeProof(proof, store);
    return proof;
  } finally {
    await files.remove(scratch);
  }
}

export interface UnpackJob extends Pick<ProofJob, 'log' | 'machine' | 'signal' | 'store'> {
  readonly manifest: Manifest;
  /** Gets one folder for each source. Must not exist; its parent must. */
  readonly folder: string;
}

/** Unpacks a backup and compares what then lies on the disk with the manifest. Rejects with `backup-damaged`. */
export async function unpackVerified(job: UnpackJob): Promise<void> {
  const { manifest, folder, log, signal } = job;
  const { files } = job.machine;
  await requireRoom(join(folder, '..'), manifest.contentBytes, files);
  const onProgress = (bytes: number) => log.progress(bytes, manifest.contentBytes, 'bytes');
  await extractArchive({ manifest, store: job.store, files, into: folder, signal, onProgress });
  await assertUnpacked(manifest, folder, files, signal);
}

/** Rejects with `backup-damaged` when a folder does not hold exactly what the manifest says. */
export async function assertUnpacked(
  manifest: Manifest,
  folder: string,
  files: Machine['files'],
  signal: AbortSignal,
): Promise<void> {
  const found = await describeTree(folder, files, signal);
  found.delete('');
  const differences = describeDifferences(factsOf(manifest), found);
  if (differences.length > 0) {
    throw damaged(manifest.id, `what was unpacked differs: ${summariseDifferences(differences)}`);
  }
}

/** The source of this name. Throws `no-such-state` when the configuration does not have it any more. */
export function sourceNamed(name: string, sources: readonly Source[]): Source {
  const found = sources.find((source) => source.name === name);
  if (found !== undefined) return found;
  throw new UserError('no-such-state', `the backup holds ${name}, but there is no state.${name} in the configuration`, {
    hint: 'Add it again, or take a new backup without it.',
  });
}

function factsOf(manifest: Manifest): Map<string, EntryFacts> {
  return new Map(
    manifest.entries.map((entry) => {
      const facts: EntryFacts =
        entry.type === 'file'
          ? { type: 'file', mode: entry.mode, sha256: entry.sha256 }
          : entry.type === 'link'
            ? { type: 'link', linkTarget: entry.linkTarget }
            : { type: 'directory', mode: entry.mode };
      return [archivePath(entry), facts];
    }),
  );
}
