import { dirname, join } from 'node:path';
import { OutsideError } from '../core/errors.ts';
import { readManifest } from './catalog.ts';
import type { BackupRecord, Manifest } from './manifest.ts';
import { assertUnpacked, type ProofJob, sourceNamed, unpackVerified } from './prove.ts';
import type { Notice, WritesSince } from './source.ts';

export interface RestoreJob extends Pick<ProofJob, 'log' | 'machine' | 'signal' | 'sources' | 'store'> {
  readonly record: Pick<BackupRecord, 'id'>;
  /** Where the backup is unpacked; the same one again when an interrupted restore goes on. Best on the disk of the state. */
  readonly folder: string;
  /** The folder that keeps the failed state, one folder for each source; a fresh one for each restore. */
  readonly aside: string;
}

/** One step of a restore. Each may be run again after a crash, also when it had ended. */
export interface RestorePhase {
  /** `unpack`, `restore-<source>`, `verify-<source>`. */
  readonly name: string;
  run(): Promise<readonly Notice[]>;
}

/**
 * The steps that bring a backup back, in order, for a journal to walk: unpack and verify the copy, put each source in
 * place with the failed state kept aside, verify each. The services that use the state must be stopped.
 */
export async function planRestore(job: RestoreJob): Promise<RestorePhase[]> {
  const manifest = await readManifest(job.record.id, job.store);
  const parts = manifest.sources.map(({ name, fingerprint }) => ({
    name,
    fingerprint: fingerprint ?? undefined,
    source: sourceNamed(name, job.sources),
    folder: join(job.folder, name),
  }));
  const quiet = async (work: Promise<void>): Promise<readonly Notice[]> => {
    await work;
    return [];
  };
  return [
    { name: 'unpack', run: () => quiet(unpackBackup(job, manifest)) },
    ...parts.map(({ name, source, folder }) => ({
      name: `restore-${name}`,
      run: () => source.restore(folder, join(job.aside, name)),
    })),
    ...parts.map(({ name, source, folder, fingerprint }) => ({
      name: `verify-${name}`,
      run: () => quiet(source.verify(folder, fingerprint)),
    })),
  ];
}

/** Runs all steps of a restore at once. Answers what a person should know. */
export async function restoreBackup(job: RestoreJob): Promise<readonly Notice[]> {
  const notices: Notice[] = [];
  for (const phase of await planRestore(job)) notices.push(...(await phase.run()));
  return notices;
}

/** Unpacks into `folder`; what lies there from an earlier attempt is kept when it is complete and unharmed. */
export async function unpackBackup(job: Omit<RestoreJob, 'aside' | 'sources'>, manifest: Manifest): Promise<void> {
  const { files } = job.machine;
  await files.makeDirectory(dirname(job.folder), 0o700);
  if ((await files.status(job.folder)) !== undefined) {
    try {
      return await assertUnpacked(manifest, job.folder, files, job.signal);
    } catch (error) {
      if (!(error instanceof OutsideError)) throw error;
      await files.remove(job.folder);
    }
  }
  await unpackVerified({ ...job, manifest });
}

export interface SourceWrites extends WritesSince {
  readonly source: string;
}

/** What was written to each source since the backup, which must be unpacked in `folder`. Live state only read. */
export async function countWrites(
  job: Pick<RestoreJob, 'folder' | 'record' | 'sources' | 'store'>,
): Promise<SourceWrites[]> {
  const manifest = await readManifest(job.record.id, job.store);
  const counted: SourceWrites[] = [];
  for (const { name } of manifest.sources) {
    const writes = await sourceNamed(name, job.sources).countWrites(join(job.folder, name));
    counted.push({ source: name, ...writes });
  }
  return counted;
}
