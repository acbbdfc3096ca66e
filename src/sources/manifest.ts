import { posix } from 'node:path';
import { z } from 'zod';
import { OutsideError } from '../core/errors.ts';
import { BackupId, Name } from '../core/names.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Common = {
  source: Name,
  path: z.string(),
  mode: z.int().min(0).max(0o777),
  uid: z.int().min(0),
  gid: z.int().min(0),
  modifiedMs: z.int(),
} as const;

/** One file, folder or link of a backup. */
export const ManifestEntry = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('directory'), ...Common }),
  z.strictObject({ type: z.literal('file'), ...Common, sizeBytes: z.int().min(0), sha256: Sha256 }),
  z.strictObject({ type: z.literal('link'), ...Common, linkTarget: z.string().min(1) }),
]);
export type ManifestEntry = z.infer<typeof ManifestEntry>;

/** What is known of a backup, without the list of its files. */
export const BackupRecord = z.strictObject({
  schema: z.literal(1),
  id: BackupId,
  /** UTC, ISO 8601: when it began. */
  createdAt: z.string(),
  durationMs: z.number(),
  project: z.string(),
  environment: z.string(),
  /** The release that was live, if there was one. */
  release: z.string().optional(),
  version: z.string().optional(),
  /** Size and SHA-256 of the archive as it lies in the store. */
  sizeBytes: z.int().min(0),
  archiveSha256: Sha256,
  /** All files together, before compression. */
  contentBytes: z.int().min(0),
  entryCount: z.int().min(0),
  sources: z.array(
    z.strictObject({
      name: Name,
      kind: z.string(),
      /** Structure when the copy was taken; null where the kind has none. */
      fingerprint: z.string().nullable(),
      entryCount: z.int().min(0),
      contentBytes: z.int().min(0),
    }),
  ),
  notices: z.array(z.strictObject({ source: Name, path: z.string(), message: z.string() })),
});
export type BackupRecord = z.infer<typeof BackupRecord>;

/** A backup exists when its manifest does: it is written last. */
export const Manifest = BackupRecord.extend({ entries: z.array(ManifestEntry) });
export type Manifest = z.infer<typeof Manifest>;

/** Evidence that a backup restores. */
export const Proof = z.strictObject({
  schema: z.literal(1),
  backup: BackupId,
  verified: z.literal(true),
  /** How long unpacking and proving took. */
  restoreMs: z.number(),
  entries: z.int().min(0),
  bytes: z.int().min(0),
  /** UTC, ISO 8601. */
  checkedAt: z.string(),
  notices: z.array(z.strictObject({ source: Name, path: z.string(), message: z.string() })),
});
export type Proof = z.infer<typeof Proof>;

export const archiveName = (id: string): string => `${id}.tar.zst`;
export const manifestName = (id: string): string => `${id}.json`;
export const proofName = (id: string): string => `${id}.proof.json`;

/** The path of an entry in the archive: its source is the first folder. */
export function archivePath(entry: { readonly source: string; readonly path: string }): string {
  return entry.path === '' ? entry.source : `${entry.source}/${entry.path}`;
}

/** The error for an archive or a manifest that must not be restored. */
export function damaged(id: string, what: string, cause?: unknown): OutsideError {
  return new OutsideError('backup-damaged', `backup ${id} is damaged: ${what}`, {
    hint: 'Use another backup; `holdfast backup list` shows which ones were proven.',
    cause,
  });
}

/**
 * Throws `backup-damaged` unless every entry may be written below an empty folder: paths stay inside, each once, parents
 * are folders that come first, links stay inside, and the totals are those of the record.
 */
export function assertRestorable(manifest: Manifest): void {
  const fail = (what: string) => {
    throw damaged(manifest.id, what);
  };
  const known = new Set(manifest.sources.map((source) => source.name));
  const seen = new Map<string, ManifestEntry['type']>();
  let contentBytes = 0;
  for (const entry of manifest.entries) {
    const path = archivePath(entry);
    if (!known.has(entry.source)) fail(`${path} belongs to no source`);
    if (!isInside(entry.path)) fail(`the path ${JSON.stringify(entry.path)} is not allowed`);
    if (seen.has(path)) fail(`${path} is in it twice`);
    if (entry.path === '' ? entry.type !== 'directory' : seen.get(posix.dirname(path)) !== 'directory') {
      fail(`${path} does not lie in a folder of the backup`);
    }
    if (entry.type === 'link' && !staysInside(entry.path, entry.linkTarget)) {
      fail(`the link ${path} points out of it, to ${JSON.stringify(entry.linkTarget)}`);
    }
    if (entry.type === 'file') contentBytes += entry.sizeBytes;
    seen.set(path, entry.type);
  }
  if (seen.size !== manifest.entryCount || contentBytes !== manifest.contentBytes) {
    fail('its list of files does not have the size that it says');
  }
}

/** True for the empty path and for relative paths of plain names. */
function isInside(path: string): boolean {
  if (path === '') return true;
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0'));
}

/**
 * True when a link at `path` cannot lead out of the root, whatever other links of the same kind lie on its way:
 * relative, and `..` only at the front, where the folders above it are real ones.
 */
export function staysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  const names = target.split('/').filter((name) => name !== '' && name !== '.');
  const up = names.findIndex((name) => name !== '..');
  const ups = up === -1 ? names.length : up;
  if (names.slice(ups).includes('..')) return false;
  return ups <= path.split('/').length - 1;
}
