import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { formatBytes } from '../core/bytes.ts';
import { formatDuration } from '../core/duration.ts';
import { errorCode, errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { ReportParts } from '../core/report.ts';
import { answer, underLease } from '../environment/answer.ts';
import type { Environment } from '../environment/environment.ts';
import type { Platform } from '../platform/platform.ts';
import { recordOf } from '../sources/backup.ts';
import { readManifest } from '../sources/catalog.ts';
import { type BackupRecord, proofName } from '../sources/manifest.ts';
import { createBackup, pruneBackups, verifyBackup } from './backup.ts';
import { presentBackup } from './show.ts';

const none = z.strictObject({});
const named = z.strictObject({ id: z.string().meta({ description: 'A backup, by its id' }) });

/** Copies all state, proves the copy, and lets go of old ones. The services run on. */
export const backupCreate: Action<typeof none, Configuration, Platform> = {
  name: 'backup create',
  alsoCalled: 'backup',
  summary: 'copy all state, and prove the copy by restoring it into scratch',
  group: 'State',
  settings: 'configuration',
  inputs: none,
  examples: ['backup create --environment production'],
  reasons: ['proven', 'not-proven', 'skipped'],
  run: ({ settings }, platform) =>
    answer('backup create', settings, platform, { create: true }, async (environment) => {
      if (environment.sources.length === 0) {
        return { reason: 'skipped', summary: 'no state is configured: there is nothing to copy' };
      }
      return underLease(environment, async () => {
        const unfinished = await unfinishedFindings(environment);
        const parts = await prove(await createBackup(environment), environment);
        const findings = [...unfinished, ...(parts.findings ?? [])];
        if (parts.decision === 'stop') return { ...parts, findings };
        const removed = await pruneBackups(environment);
        const pruned = removed.length === 0 ? '' : `; ${removed.length} older ones were removed`;
        return { ...parts, findings, summary: `${parts.summary}${pruned}` };
      });
    }),
  present: presentBackup,
};

/** Repeats the proof of a backup. One that does not hold any more loses the proof that it had. */
export const backupVerify: Action<typeof named, Configuration, Platform> = {
  name: 'backup verify',
  summary: 'prove a backup again by restoring it into scratch',
  group: 'State',
  settings: 'configuration',
  inputs: named,
  positional: ['id'],
  reasons: ['proven', 'not-proven'],
  run: ({ inputs: { id }, settings }, platform) =>
    answer('backup verify', settings, platform, { create: true }, async (environment) => {
      const record = recordOf(await readManifest(id, environment.store));
      return underLease(environment, () => prove(record, environment));
    }),
  present: presentBackup,
};

/** A run that was killed may have left the state between two shapes: the copy holds it as it is. */
async function unfinishedFindings({ journal }: Environment): Promise<Finding[]> {
  const halfway = (await journal.open()).filter(({ marks }) => !marks.has('deployed'));
  return halfway.map(({ header }) => ({
    check: 'unfinished-run',
    layer: 'release',
    outcome: 'warn',
    severity: 'high',
    message: `${header.run} was killed before it ended, and the copy holds the state as that run left it`,
    remedy: 'Run "holdfast recover", then take another backup.',
  }));
}

async function prove(record: BackupRecord, environment: Environment): Promise<ReportParts> {
  try {
    const proof = await verifyBackup(record, environment);
    const size = formatBytes(record.sizeBytes);
    return {
      reason: 'proven',
      summary: `${record.id} (${size}) restores in ${formatDuration(proof.restoreMs)}, every digest equal`,
      record: { backup: { ...record, proof } },
    };
  } catch (error) {
    if (error instanceof Interrupted || errorCode(error) === 'disk-full') throw error;
    if (!(error instanceof OutsideError) && !(error instanceof UserError)) throw error;
    // What the user has to correct first says nothing against the copy.
    if (error instanceof OutsideError) await environment.store.remove(proofName(record.id));
    const finding: Finding = {
      check: 'backup-proof',
      layer: 'release',
      outcome: 'fail',
      severity: 'critical',
      message: errorMessage(error),
      ...(error.hint === undefined ? {} : { remedy: error.hint }),
      path: 'state',
    };
    const summary = `${record.id} is not proven: ${errorMessage(error)}`;
    return { decision: 'stop', reason: 'not-proven', summary, findings: [finding], record: { backup: record } };
  }
}
