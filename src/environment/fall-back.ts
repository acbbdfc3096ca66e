import { join } from 'node:path';
import { errorMessage } from '../core/errors.ts';
import { timedId } from '../core/names.ts';
import type { JournalRun } from '../journal/journal.ts';
import type { Lease } from '../journal/lease.ts';
import { readManifest } from '../sources/catalog.ts';
import { countWrites, type SourceWrites, unpackBackup } from '../sources/restore.ts';
import type { ReleaseRecord } from '../targets/target.ts';
import { type Environment, withSignal } from './environment.ts';
import { lastGoodBefore } from './releases.ts';
import { type Reverted, revert, wasMigrated } from './revert.ts';
import { markRun } from './settle.ts';

export interface FellBack extends Reverted {
  /** What is live now; undefined when nothing is, as before a first release. */
  readonly to: ReleaseRecord | undefined;
  readonly data: 'restored' | 'kept';
  /** Why the data was put back or kept, for people. */
  readonly dataReason: string;
  readonly durationMs: number;
}

/**
 * Leaves a failed release for the last good one, after its own rules for data: what an automatic rollback does, and a
 * recovery for a run that was killed. It ends well although the run that it belongs to was interrupted: it has its own signal.
 * Rejects with `lease-lost` before anything is changed when somebody else took the environment over.
 */
export async function fallBack(
  deploy: JournalRun,
  failure: string,
  lease: Lease,
  interrupted: Environment,
): Promise<FellBack> {
  const environment = withSignal(interrupted, new AbortController().signal);
  const { book, platform } = environment;
  const startedAt = platform.clock.now();
  await lease.assertHeld();
  const from = deploy.header.run;
  await markRun(from, 'rolling-back', environment);
  const to = await lastGoodBefore(from, environment);
  const { backup, reason } = await decideData(deploy, environment);
  const run = timedId('rb', platform.clock.now(), platform.random.hex(2));
  const request = { run, from, to: to?.release, backup, actor: lease.record.owner.actor, failure };
  const reverted = await revert(request, lease, environment);
  const writes = backup === undefined ? await countKept(deploy.header.backup, run, environment) : reverted.writes;
  return {
    ...reverted,
    writes,
    to: to === undefined ? undefined : await book.find(to.release),
    data: backup === undefined ? 'kept' : 'restored',
    dataReason: reason,
    durationMs: platform.clock.now() - startedAt,
  };
}

/**
 * What was written since the backup where the data was kept: the failed release may have written some of it, and only a
 * person can tell. Empty when it cannot be counted, which fails nothing: the old release is live by now.
 */
async function countKept(
  backup: string | undefined,
  run: string,
  { store, machine, layout, sources, platform }: Environment,
): Promise<readonly SourceWrites[]> {
  if (backup === undefined || sources.length === 0) return [];
  const folder = join(layout.scratch, run);
  try {
    const record = await readManifest(backup, store);
    await unpackBackup({ record, folder, machine, store, signal: platform.signal, log: { progress() {} } }, record);
    return await countWrites({ folder, record, sources, store });
  } catch (error) {
    platform.log.warn(`what was written since ${backup} could not be counted: ${errorMessage(error)}`);
    return [];
  } finally {
    await machine.files.remove(folder);
  }
}

/** Whether the data goes back with the code, by the policy and by what the release did to it. */
async function decideData(
  deploy: JournalRun,
  environment: Environment,
): Promise<{ backup: string | undefined; reason: string }> {
  const { settings, sources, book } = environment;
  const { backup } = deploy.header;
  if (sources.length === 0) return { backup: undefined, reason: 'no state is configured' };
  if (backup === undefined) return { backup: undefined, reason: 'this release was made without a backup' };
  switch (settings.backup.on_rollback) {
    case 'never':
      return { backup: undefined, reason: 'backup.on_rollback is never' };
    case 'always':
      return { backup, reason: 'backup.on_rollback is always' };
    case 'restore-if-migrated': {
      // A release that never became healthy may still be migrating: it must stand still before its schema is looked at.
      if (!deploy.marks.has('deployed')) await stopProcessesOf(deploy.header.run, environment);
      const capsule = await book.capsule(deploy.header.run);
      const { migrated, why } = await wasMigrated([deploy], capsule.fingerprints, environment);
      return { backup: migrated ? backup : undefined, reason: why };
    }
  }
}

async function stopProcessesOf(release: string, { instances, book }: Environment): Promise<void> {
  const { services } = await book.settings(release);
  for (const [service, { run }] of Object.entries(services)) {
    for (const instance of await instances.find(service)) {
      if (instance.release === release) await instances.stop(instance, run.stop);
    }
  }
}
