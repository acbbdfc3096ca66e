import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
import { archiveName, type Manifest, type ManifestEntry, manifestName } from '../../src/sources/manifest.ts';
import type { Store } from '../../src/stores/store.ts';

export const BACKUP = 'b-20261122T101500-4f2a';

/** A manifest whose totals fit its entries. */
export function aManifest(entries: ManifestEntry[], changes: Partial<Manifest> = {}): Manifest {
  const contentBytes = entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0);
  return {
    schema: 1,
    id: BACKUP,
    createdAt: '2026-11-22T10:15:00.000Z',
    durationMs: 1,
    project: 'p',
    environment: 'local',
    sizeBytes: 0,
    archiveSha256: '0'.repeat(64),
    contentBytes,
    entryCount: entries.length,
    sources: [{ name: 'uploads', kind: 'files', fingerprint: null, entryCount: entries.length, contentBytes }],
    notices: [],
    entries,
    ...changes,
  };
}

const common = { source: 'uploads', uid: 0, gid: 0, modifiedMs: 1_000_000_000_000 } as const;

export function aFolderEntry(path: string, mode = 0o755): ManifestEntry {
  return { type: 'directory', ...common, path, mode };
}

export function aFileEntry(
  path: string,
  content: string,
  changes: { mode?: number; sha256?: string } = {},
): ManifestEntry {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { type: 'file', ...common, path, mode: 0o644, sizeBytes: Buffer.byteLength(content), sha256, ...changes };
}

export function aLinkEntry(path: string, linkTarget: string): ManifestEntry {
  return { type: 'link', ...common, path, mode: 0o777, linkTarget };
}

/** Stores bytes as the archive of a backup, with a manifest that says exactly what they are. */
export async function storeArchive(tar: Uint8Array, manifest: Manifest, store: Store): Promise<Manifest> {
  const archive = zstdCompressSync(tar);
  const sealed: Manifest = {
    ...manifest,
    sizeBytes: archive.length,
    archiveSha256: createHash('sha256').update(archive).digest('hex'),
  };
  await store.put(archiveName(manifest.id), Readable.from([archive]));
  await store.put(manifestName(manifest.id), Readable.from([JSON.stringify(sealed)]));
  return sealed;
}
