import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { OutsideError, UserError } from '../core/errors.ts';
import { BackupId } from '../core/names.ts';
import type { Store } from '../stores/store.ts';
import { recordOf } from './backup.ts';
import { archiveName, type BackupRecord, damaged, Manifest, manifestName, Proof, proofName } from './manifest.ts';

export interface KnownBackup {
  readonly record: BackupRecord;
  readonly proof?: Proof;
}

/** The list of files of a backup. Rejects with UserError `no-such-backup`, or `backup-damaged` when it cannot be read. */
export async function readManifest(id: string, store: Store): Promise<Manifest> {
  if (!BackupId.safeParse(id).success) throw new UserError('no-such-backup', `"${id}" is not the id of a backup`);
  const content = await readJson(manifestName(id), store);
  if (content === undefined) {
    throw new UserError('no-such-backup', `there is no backup ${id} in ${store.place}`, {
      hint: '`holdfast backup list` shows those there are.',
    });
  }
  const parsed = Manifest.safeParse(content.value);
  if (!parsed.success || parsed.data.id !== id) throw damaged(id, 'its manifest cannot be read', parsed.error);
  return parsed.data;
}

/** The newest proof of a backup; undefined when it was never proven. */
export async function readProof(id: string, store: Store): Promise<Proof | undefined> {
  const content = await readJson(proofName(id), store);
  const parsed = Proof.safeParse(content?.value);
  return parsed.success && parsed.data.backup === id ? parsed.data : undefined;
}

/** Replaces the proof of a backup. */
export async function storeProof(proof: Proof, store: Store): Promise<void> {
  await store.remove(proofName(proof.backup));
  await store.put(proofName(proof.backup), Readable.from([Buffer.from(`${JSON.stringify(proof)}\n`)]));
}

/** All backups with their proofs, oldest first. One whose manifest cannot be read is left out and named in `unreadable`. */
export async function listBackups(store: Store): Promise<{ backups: KnownBackup[]; unreadable: string[] }> {
  const backups: KnownBackup[] = [];
  const unreadable: string[] = [];
  for (const id of await idsWith('.json', store)) {
    try {
      const record = recordOf(await readManifest(id, store));
      const proof = await readProof(id, store);
      backups.push(proof === undefined ? { record } : { record, proof });
    } catch (error) {
      if (!(error instanceof OutsideError)) throw error;
      unreadable.push(id);
    }
  }
  return { backups, unreadable };
}

/** Removes a backup: first the manifest, with which it ceases to exist. No error when there is none. */
export async function removeBackup(id: string, store: Store): Promise<void> {
  for (const name of [manifestName(id), proofName(id), archiveName(id)]) await store.remove(name);
}

/** Removes archives that never got a manifest, because their writer was killed; `before` in milliseconds since 1970. */
export async function removeOrphans(before: number, store: Store): Promise<string[]> {
  const complete = new Set(await idsWith('.json', store));
  const orphans = (await idsWith('.tar.zst', store)).filter((id) => !complete.has(id) && timeOf(id) < before);
  for (const id of orphans) await store.remove(archiveName(id));
  return orphans;
}

async function idsWith(suffix: string, store: Store): Promise<string[]> {
  const names = (await store.list('b-')).map((object) => object.name);
  return names
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .filter((id) => BackupId.safeParse(id).success);
}

/** The second that is written in an id: `b-20261122T101500-4f2a`. */
function timeOf(id: string): number {
  const [, year, month, day, hour, minute, second] = /^b-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/.exec(id) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

async function readJson(name: string, store: Store): Promise<{ value: unknown } | undefined> {
  try {
    return { value: JSON.parse(await text(await store.open(name))) };
  } catch (error) {
    if (error instanceof OutsideError && error.code === 'not-stored') return undefined;
    if (error instanceof SyntaxError) return { value: undefined };
    throw error;
  }
}
