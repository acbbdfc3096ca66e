import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action, Block } from '../core/action.ts';
import { formatBytes } from '../core/bytes.ts';
import { formatDuration } from '../core/duration.ts';
import type { Finding } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import { answer } from '../environment/answer.ts';
import type { Environment } from '../environment/environment.ts';
import type { Platform } from '../platform/platform.ts';
import { recordOf } from '../sources/backup.ts';
import { listBackups, readManifest, readProof } from '../sources/catalog.ts';
import { BackupRecord, Proof } from '../sources/manifest.ts';

const none = z.strictObject({});
const named = z.strictObject({ id: z.string().meta({ description: 'A backup, by its id' }) });

const ListRecord = z.looseObject({
  backups: z.array(z.looseObject({ ...BackupRecord.shape, proof: Proof.optional(), neededBy: z.array(z.string()) })),
});

/** All backups of the store, newest first. */
export const backupList: Action<typeof none, Configuration, Platform> = {
  name: 'backup list',
  summary: 'the backups of an environment, newest first',
  group: 'State',
  settings: 'configuration',
  withoutSecrets: true,
  inputs: none,
  reasons: ['listed'],
  run: ({ settings }, platform) =>
    answer('backup list', settings, platform, { create: false }, async (environment) => {
      const { backups, unreadable } = await listBackups(environment.store);
      const needed = await releasesByBackup(environment);
      const newestFirst = backups
        .toReversed()
        .map(({ record, proof }) => ({ ...record, proof, neededBy: needed.get(record.id) ?? [] }));
      const sizeBytes = backups.reduce((sum, { record }) => sum + record.sizeBytes, 0);
      const proven = backups.filter(({ proof }) => proof !== undefined).length;
      return {
        reason: 'listed',
        summary: `${backups.length} backups in ${environment.store.place}, ${proven} of them proven, ${formatBytes(sizeBytes)} together`,
        findings: unreadable.map((id) => unreadableFinding(id)),
        record: { place: environment.store.place, backups: newestFirst },
      };
    }),
  present(report) {
    const rows = ListRecord.safeParse(report.record).data?.backups ?? [];
    if (rows.length === 0) return [];
    return [
      {
        kind: 'table',
        columns: ['backup', 'of', 'created', 'size', 'holds', 'proven', 'needed by'],
        rows: rows.map(({ id, version, createdAt, sizeBytes, sources, proof, neededBy }) => [
          id,
          version ?? '-',
          `${createdAt.slice(0, 19)}Z`,
          formatBytes(sizeBytes),
          sources.map(({ name }) => name).join(', '),
          proof === undefined ? 'no' : 'yes',
          neededBy.length === 0 ? '' : neededBy.length === 1 ? '1 release' : `${neededBy.length} releases`,
        ]),
      },
    ];
  },
};

/** What is known of one backup. */
export const backupShow: Action<typeof named, Configuration, Platform> = {
  name: 'backup show',
  summary: 'what a backup holds, of which release, and its proof',
  group: 'State',
  settings: 'configuration',
  withoutSecrets: true,
  inputs: named,
  positional: ['id'],
  reasons: ['shown'],
  run: ({ inputs: { id }, settings }, platform) =>
    answer('backup show', settings, platform, { create: false }, async (environment) => {
      const record = recordOf(await readManifest(id, environment.store));
      const proof = await readProof(id, environment.store);
      const neededBy = (await releasesByBackup(environment)).get(id) ?? [];
      const of =
        record.version === undefined ? 'an environment in which nothing was live' : `the state of ${record.version}`;
      const proven =
        proof === undefined
          ? 'not proven'
          : `proven ${proof.checkedAt}, restored in ${formatDuration(proof.restoreMs)}`;
      return {
        reason: 'shown',
        summary: `${id} holds ${of}, taken ${record.createdAt} (${formatBytes(record.sizeBytes)}); ${proven}`,
        record: { backup: { ...record, ...(proof === undefined ? {} : { proof }) }, neededBy },
      };
    }),
  present: presentBackup,
};

/** The sources of the backup that a report is about, and what a person should know of it. */
export function presentBackup(report: Report): readonly Block[] {
  const backup = z.looseObject(BackupRecord.shape).safeParse(report.record?.['backup']).data;
  if (backup === undefined) return [];
  const rows = backup.sources.map(({ name, kind, entryCount, contentBytes, fingerprint }) => [
    name,
    kind,
    String(entryCount),
    formatBytes(contentBytes),
    fingerprint?.slice(0, 12) ?? '-',
  ]);
  const blocks: Block[] = [{ kind: 'table', columns: ['state', 'kind', 'entries', 'content', 'structure'], rows }];
  for (const { source, path, message } of backup.notices) {
    blocks.push({ kind: 'text', text: `${source} ${path}: ${message}` });
  }
  return blocks;
}

/** Which releases would be rolled back with which backup. */
export async function releasesByBackup({ book }: Environment): Promise<Map<string, string[]>> {
  const needed = new Map<string, string[]>();
  for (const { release } of await book.list()) {
    const { backup } = await book.capsule(release);
    if (backup !== undefined) needed.set(backup, [...(needed.get(backup) ?? []), release]);
  }
  return needed;
}

/** Something lies in the store that nobody can restore. */
export function unreadableFinding(id: string): Finding {
  return {
    check: `backup:${id}`,
    layer: 'release',
    outcome: 'fail',
    severity: 'high',
    message: `the manifest of ${id} cannot be read, so it cannot be restored`,
    remedy: 'Bring its .json back from a copy of the store, or remove what begins with its id.',
  };
}
