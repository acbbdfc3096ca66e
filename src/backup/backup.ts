import { errorCode } from '../core/errors.ts';
import { timedId } from '../core/names.ts';
import type { Environment } from '../environment/environment.ts';
import { takeBackup } from '../sources/backup.ts';
import { listBackups, removeBackup, removeOrphans } from '../sources/catalog.ts';
import type { BackupRecord, Proof } from '../sources/manifest.ts';
import { proveBackup } from '../sources/prove.ts';
import { type Pruning, planPruning } from '../sources/pruning.ts';

/** Copies all state of an environment into its store. Rejects, with nothing left behind, when it cannot. */
export async function createBackup(environment: Environment): Promise<BackupRecord> {
  const { settings, sources, store, machine, layout, platform, book } = environment;
  const live = await book.live();
  const log = platform.log.step('copy the state');
  try {
    const record = await takeBackup({
      id: timedId('b', platform.clock.now(), platform.random.hex(2)),
      project: settings.project,
      environment: settings.environment,
      ...(live === undefined ? {} : { live: { release: live.record.release, version: live.record.version } }),
      sources,
      store,
      machine,
      scratch: layout.scratch,
      clock: platform.clock,
      log,
      signal: platform.signal,
    });
    for (const { source, path, message } of record.notices) log.note(`${source} ${path}: ${message}`);
    log.end('proceed', `${record.entryCount} entries, ${record.contentBytes} bytes`);
    return record;
  } catch (error) {
    log.end('stop', 'failed');
    throw error;
  }
}

/** Restores a backup into scratch and compares: rejects with what does not hold. */
export async function verifyBackup(
  record: Pick<BackupRecord, 'id' | 'archiveSha256'>,
  environment: Environment,
): Promise<Proof> {
  const { sources, store, machine, layout, platform } = environment;
  const log = platform.log.step('prove the copy by restoring it into scratch');
  try {
    const { clock, signal } = platform;
    const proof = await proveBackup({ record, sources, store, machine, scratch: layout.scratch, clock, log, signal });
    log.end('proceed', '');
    return proof;
  } catch (error) {
    log.end('stop', 'failed');
    throw error;
  }
}

/** An interrupted writer may be at work for so long; what is older is nobody's. */
const ORPHAN_MS = 24 * 60 * 60 * 1000;

/** Which backups go by `backup.keep`, newest first; never the newest proven one, nor one that is still needed. */
export async function planPrune({ store, settings, book, journal, platform }: Environment): Promise<Pruning[]> {
  const needed = new Set<string>();
  for (const { release } of await book.list()) {
    const capsule = await book.capsule(release).catch((error: unknown) => {
      // Its removal was interrupted: nothing returns to it, and the next promotion removes the rest.
      if (errorCode(error) === 'release-unknown') return undefined;
      throw error;
    });
    if (capsule?.backup !== undefined) needed.add(capsule.backup);
  }
  // A restore that was killed is finished from its backup.
  for (const { header } of await journal.open()) if (header.backup !== undefined) needed.add(header.backup);
  const { backups } = await listBackups(store);
  return planPruning(backups, settings.backup.keep, needed, platform.clock.now());
}

/** Removes what `planPrune` says, and what writers left that were killed. Answers the ids of the backups. */
export async function pruneBackups(environment: Environment): Promise<string[]> {
  const { store, platform } = environment;
  const plan = await planPrune(environment);
  const removed = plan.filter(({ remove }) => remove).map(({ id }) => id);
  for (const id of removed) await removeBackup(id, store);
  await removeOrphans(platform.clock.now() - ORPHAN_MS, store);
  return removed;
}
