import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { formatBytes } from '../core/bytes.ts';
import { Interrupted, OutsideError } from '../core/errors.ts';
import { countOutcomes, type Finding } from '../core/finding.ts';
import { answer } from '../environment/answer.ts';
import type { Environment } from '../environment/environment.ts';
import type { Platform } from '../platform/platform.ts';
import { type KnownBackup, listBackups } from '../sources/catalog.ts';
import { archiveName } from '../sources/manifest.ts';
import type { Store } from '../stores/store.ts';
import { releasesByBackup, unreadableFinding } from './show.ts';

const inputs = z.strictObject({});

/** Reads the whole store: what could not be restored is found before somebody needs it. */
export const backupCheck: Action<typeof inputs, Configuration, Platform> = {
  name: 'backup check',
  summary: 'read every backup in full and compare its digest; find what is missing, damaged or not proven',
  group: 'State',
  settings: 'configuration',
  inputs,
  reasons: ['intact', 'damaged', 'no-backups'],
  run: ({ settings }, platform) =>
    answer('backup check', settings, platform, { create: false }, async (environment) => {
      const { backups, findings } = await checkBackups(environment);
      const { fail, warn } = countOutcomes(findings);
      if (fail > 0) {
        const summary = `${fail} things in ${environment.store.place} are damaged or missing`;
        return { decision: 'stop', reason: 'damaged', summary, findings };
      }
      if (backups === 0) return { reason: 'no-backups', summary: `there is no backup in ${environment.store.place}` };
      const summary = `${backups} backups are what was written${warn === 0 ? '' : `; ${warn} to look at`}`;
      return { reason: 'intact', summary, findings };
    }),
};

/** One finding for each backup, each archive without a backup, and each release whose backup is gone. Writes nothing. */
export async function checkBackups(environment: Environment): Promise<{ backups: number; findings: Finding[] }> {
  const { store, platform } = environment;
  const { backups, unreadable } = await listBackups(store);
  const findings: Finding[] = unreadable.map((id) => unreadableFinding(id));
  const log = platform.log.step('read every backup in full');
  const total = backups.reduce((sum, { record }) => sum + record.sizeBytes, 0);
  let done = 0;
  for (const backup of backups) {
    const read = await readArchive(backup.record.id, store, platform.signal, (bytes) => {
      done += bytes;
      log.progress(done, Math.max(done, total), 'bytes');
    });
    findings.push(judgeBackup(backup, read));
  }
  log.end(findings.some(({ outcome }) => outcome === 'fail') ? 'stop' : 'proceed', formatBytes(done));
  const known = new Set([...backups.map(({ record }) => record.id), ...unreadable]);
  for (const { name, sizeBytes } of await store.list('b-')) {
    const id = name.endsWith('.tar.zst') ? name.slice(0, -'.tar.zst'.length) : undefined;
    if (id !== undefined && !known.has(id)) findings.push(orphanFinding(id, sizeBytes));
  }
  for (const [id, releases] of await releasesByBackup(environment)) {
    if (!known.has(id)) findings.push(missingFinding(id, releases));
  }
  return { backups: backups.length, findings };
}

/** What the store gave for an archive; undefined when it has none. */
interface ReadArchive {
  readonly sha256: string;
  readonly sizeBytes: number;
}

async function readArchive(
  id: string,
  store: Store,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<ReadArchive | undefined> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of await store.open(archiveName(id))) {
      if (signal.aborted) throw new Interrupted();
      const bytes = Buffer.from(chunk);
      hash.update(bytes);
      sizeBytes += bytes.length;
      onBytes(bytes.length);
    }
  } catch (error) {
    if (error instanceof OutsideError && error.code === 'not-stored') return undefined;
    throw error;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

function judgeBackup({ record, proof }: KnownBackup, read: ReadArchive | undefined): Finding {
  const { id, sizeBytes, archiveSha256 } = record;
  const finding = { check: `backup:${id}`, layer: 'release' } as const;
  if (read === undefined || read.sizeBytes !== sizeBytes || read.sha256 !== archiveSha256) {
    const what =
      read === undefined
        ? 'its archive is gone'
        : read.sizeBytes === sizeBytes
          ? 'its archive has another digest than when it was written'
          : `its archive has ${read.sizeBytes} bytes instead of ${sizeBytes}`;
    const remedy = 'Bring its .tar.zst back from a copy of the store, or take a new backup: holdfast backup create';
    return { ...finding, outcome: 'fail', severity: 'critical', message: `${id} cannot be restored: ${what}`, remedy };
  }
  const size = formatBytes(sizeBytes);
  if (proof === undefined) {
    const message = `${id} (${size}) is what was written, but nothing proves that it restores`;
    return {
      ...finding,
      outcome: 'warn',
      severity: 'medium',
      message,
      remedy: `Prove it: holdfast backup verify ${id}`,
    };
  }
  const message = `${id} (${size}) is what was written, proven ${proof.checkedAt}`;
  return { ...finding, outcome: 'pass', severity: 'info', message };
}

function orphanFinding(id: string, sizeBytes: number): Finding {
  return {
    check: `backup:${id}`,
    layer: 'release',
    outcome: 'warn',
    severity: 'low',
    message: `${id}.tar.zst (${formatBytes(sizeBytes)}) has no manifest: its writer was interrupted, or is at work`,
    remedy: 'Nothing needs it; it is removed a day after it was begun.',
  };
}

function missingFinding(id: string, releases: readonly string[]): Finding {
  return {
    check: `backup:${id}`,
    layer: 'release',
    outcome: 'fail',
    severity: 'high',
    message: `${id} is gone, with which ${releases.join(', ')} would be rolled back`,
    remedy: 'Bring it back from a copy of the store; until then roll back with --data keep.',
  };
}
