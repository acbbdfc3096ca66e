import { dirname, join } from 'node:path';
import { errorMessage, Interrupted, OutsideError } from '../core/errors.ts';
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
  /** Names of the sources that are put back; all of them by default. */
  readonly only?: readonly string[] | undefined;
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
  const parts = chosen(manifest, job).map(({ name, fingerprint }) => ({
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
export async function unpackBackup(
  job: Omit<RestoreJob, 'aside' | 'only' | 'sources'>,
  manifest: Manifest,
): Promise<void> {
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

/**
 * What was written to each source since the backup, which must be unpacked in `folder`. Live state only read. A state
 * that cannot be read has an unknown number of writes: that must not keep anybody from restoring it.
 */
export async function countWrites(
  job: Pick<RestoreJob, 'folder' | 'only' | 'record' | 'sources' | 'store'>,
): Promise<SourceWrites[]> {
  const manifest = await readManifest(job.record.id, job.store);
  const counted: SourceWrites[] = [];
  for (const { name } of chosen(manifest, job)) {
    const source = sourceNamed(name, job.sources);
    const writes = await source.countWrites(join(job.folder, name)).catch((error: unknown): WritesSince => {
      if (error instanceof Interrupted) throw error;
      return { count: undefined, unit: 'writes', details: [`cannot be counted: ${errorMessage(error)}`] };
    });
    counted.push({ source: name, ...writes });
  }
  return counted;
}

function chosen({ sources }: Manifest, { only }: Pick<RestoreJob, 'only'>): Manifest['sources'] {
  return sources.filter(({ name }) => only === undefined || only.includes(name));
}
