import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Interrupted } from '../../src/core/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { silentLog } from '../../src/platform/log.ts';
import { type BackupJob, takeBackup } from '../../src/sources/backup.ts';
import { listBackups, readManifest, removeBackup, removeOrphans } from '../../src/sources/catalog.ts';
import { proveBackup } from '../../src/sources/prove.ts';
import { connectSources } from '../../src/sources/registry.ts';
import { StateSettings } from '../../src/sources/settings.ts';
import { connectStore } from '../../src/stores/registry.ts';
import { BACKUP } from '../support/backup.ts';
import { changeDatabase } from '../support/database.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { aSmallDisk } from '../support/small-disk.ts';
import { lookAtTree } from '../support/tree.ts';

function connect(state: object, root: string, signal = new AbortController().signal) {
  const sharedOf = (service: string) => join(root, 'shared', service);
  return connectSources(StateSettings.parse(state), {
    machine: aMachine(root),
    root,
    sharedOf,
    directory: root,
    signal,
  });
}

async function aJob(changes: Partial<BackupJob> = {}): Promise<BackupJob & { root: string }> {
  const root = await aFolder();
  const machine = aMachine(root);
  await mkdir(join(root, 'shared/api/uploads/deep'), { recursive: true });
  await writeFile(join(root, 'shared/api/uploads/deep/f'), 'x'.repeat(10_000));
  await symlink('deep/f', join(root, 'shared/api/uploads/l'));
  changeDatabase(join(root, 'app.db'), 'CREATE TABLE t (a)');
  return {
    root,
    id: BACKUP,
    project: 'p',
    environment: 'local',
    live: { release: 'r-20261122T101400-0000', version: 'v1' },
    sources: connect(
      { uploads: { kind: 'files', service: 'api', path: 'uploads' }, policies: { kind: 'sqlite', path: 'app.db' } },
      root,
    ),
    store: connectStore({ kind: 'directory' }, { machine, root }),
    machine,
    scratch: join(root, 'scratch'),
    clock: systemClock(),
    log: silentLog().step(''),
    signal: new AbortController().signal,
    ...changes,
  };
}

describe('takeBackup', () => {
  it('writes an archive that tar opens, with a manifest and a record that fit it', async () => {
    const job = await aJob();

    const record = await takeBackup(job);

    expect(record).toMatchObject({
      id: BACKUP,
      release: 'r-20261122T101400-0000',
      version: 'v1',
      entryCount: 6,
      sources: [
        { name: 'uploads', kind: 'files', fingerprint: null, entryCount: 4, contentBytes: 10_000 },
        { name: 'policies', kind: 'sqlite', entryCount: 2 },
      ],
      notices: [],
    });
    const manifest = await readManifest(BACKUP, job.store);
    expect(manifest.entries.map((entry) => `${entry.source}/${entry.path}`)).toContain('uploads/deep/f');
    const opened = join(job.root, 'opened');
    await mkdir(opened);
    execFileSync('tar', ['--zstd', '-xpf', join(job.store.place, `${BACKUP}.tar.zst`), '-C', opened]);
    expect(await lookAtTree(join(opened, 'uploads'))).toEqual(await lookAtTree(join(job.root, 'shared/api/uploads')));
    expect(await readdir(join(opened, 'policies'))).toEqual(['database']);
  });

  it('reports progress up to the size of the state', async () => {
    const seen: number[] = [];
    const job = await aJob({ log: { progress: (done) => seen.push(done) } });

    const { contentBytes } = await takeBackup(job);

    expect(seen.at(-1)).toBe(contentBytes);
  });

  it('does not begin without room for archive and proof', async () => {
    const disk = await aSmallDisk(4);
    const job = await aJob({ scratch: join(disk, 'scratch') });
    await writeFile(join(job.root, 'shared/api/uploads/big'), Buffer.alloc(3_000_000, 'x'));

    await expect(takeBackup(job)).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(new RegExp(`${disk}.*4\\.2 MB are free and 6\\.6 MB are needed`)),
    });

    expect(await job.store.list('')).toEqual([]);
    expect(await readdir(join(disk, 'scratch'))).toEqual([]);
  });

  it('leaves nothing half-written when the store runs full in the middle', async () => {
    const disk = await aSmallDisk(1);
    const job = await aJob();
    const store = connectStore({ kind: 'directory', path: disk }, { machine: aMachine(job.root), root: job.root });
    await writeFile(join(job.root, 'shared/api/uploads/noise'), randomBytes(2_000_000));
    // A store that does not know its room finds out while it writes.
    const unaware = { ...store, freeBytes: async () => undefined };

    await expect(takeBackup({ ...job, store: unaware })).rejects.toMatchObject({ code: 'disk-full' });

    expect(await readdir(disk)).toEqual([]);
    expect(await readdir(job.scratch)).toEqual([]);
  });

  it('leaves nothing half-written when a temporary copy fills the disk', async () => {
    const disk = await aSmallDisk(1);
    const job = await aJob({ scratch: join(disk, 'scratch') });
    const [uploads] = job.sources;
    if (uploads === undefined) throw new Error('there is a source');
    await writeFile(join(job.root, 'shared/api/uploads/big'), Buffer.alloc(3_000_000, 'x'));

    const sources = [{ ...uploads, estimate: async () => 0 }];
    await expect(takeBackup({ ...job, sources })).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining(disk),
    });

    expect(await job.store.list('')).toEqual([]);
    expect(await readdir(join(disk, 'scratch'))).toEqual([]);
  });

  it('ends at once when the run is interrupted, and leaves nothing', async () => {
    const controller = new AbortController();
    const job = await aJob({ signal: controller.signal, log: { progress: () => controller.abort() } });

    await expect(takeBackup(job)).rejects.toThrow(Interrupted);

    expect(await job.store.list('')).toEqual([]);
  });

  it('never replaces a backup', async () => {
    const job = await aJob();
    const first = await takeBackup(job);

    await expect(takeBackup(job)).rejects.toMatchObject({ code: 'already-stored' });

    expect((await readManifest(BACKUP, job.store)).archiveSha256).toBe(first.archiveSha256);
    await proveBackup({ ...job, record: first });
  });
});

describe('proveBackup', () => {
  it('fails for an archive with a flipped byte, and stores no proof', async () => {
    const job = await aJob();
    const record = await takeBackup(job);
    const path = join(job.store.place, `${BACKUP}.tar.zst`);
    const bytes = await readFile(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(path, bytes);

    await expect(proveBackup({ ...job, record })).rejects.toMatchObject({ code: 'backup-damaged' });

    expect((await listBackups(job.store)).backups).toEqual([{ record }]);
    expect(await readdir(job.scratch)).toEqual([]);
  });

  it('fails when the structure of a copy is not the one that was noted', async () => {
    const job = await aJob();
    const sources = job.sources.map((source) => ({ ...source, fingerprint: async () => 'another' }));
    const record = await takeBackup({ ...job, sources });

    await expect(proveBackup({ ...job, record })).rejects.toMatchObject({ code: 'structure-differs' });
  });

  it('fails for a manifest that was exchanged', async () => {
    const job = await aJob();
    const record = await takeBackup(job);

    await expect(proveBackup({ ...job, record: { ...record, archiveSha256: '0'.repeat(64) } })).rejects.toMatchObject({
      code: 'backup-damaged',
    });
  });

  it('fails when the configuration does not know a state any more', async () => {
    const job = await aJob();
    const record = await takeBackup(job);

    await expect(proveBackup({ ...job, sources: [], record })).rejects.toMatchObject({ code: 'no-such-state' });
  });

  it('can be repeated', async () => {
    const job = await aJob();
    const record = await takeBackup(job);
    await proveBackup({ ...job, record });

    const proof = await proveBackup({ ...job, record });

    expect((await listBackups(job.store)).backups).toEqual([{ record, proof }]);
  });
});

describe('the catalogue of backups', () => {
  it('does not know a backup whose manifest was never written, and removes its archive later', async () => {
    const job = await aJob();
    await job.store.put(`${BACKUP}.tar.zst`, Readable.from(['half']));
    const at = Date.parse('2026-11-22T10:15:00Z');

    expect((await listBackups(job.store)).backups).toEqual([]);
    expect(await removeOrphans(at, job.store)).toEqual([]);
    expect(await removeOrphans(at + 1, job.store)).toEqual([BACKUP]);

    expect(await job.store.list('')).toEqual([]);
  });

  it('names what it cannot read', async () => {
    const job = await aJob();
    await job.store.put(`${BACKUP}.json`, Readable.from(['{"schema": 2}']));

    expect(await listBackups(job.store)).toEqual({ backups: [], unreadable: [BACKUP] });
    await expect(readManifest(BACKUP, job.store)).rejects.toMatchObject({ code: 'backup-damaged' });
  });

  it('removes a backup with all that belongs to it', async () => {
    const job = await aJob();
    await proveBackup({ ...job, record: await takeBackup(job) });

    await removeBackup(BACKUP, job.store);

    expect(await job.store.list('')).toEqual([]);
    await expect(readManifest(BACKUP, job.store)).rejects.toMatchObject({ code: 'no-such-backup' });
    await expect(readManifest('../../x', job.store)).rejects.toMatchObject({ code: 'no-such-backup' });
  });
});

describe('connectSources', () => {
  it('refuses two sources that hold the same files', async () => {
    const state = {
      everything: { kind: 'files', service: 'api', path: '.' },
      policies: { kind: 'sqlite', service: 'api', path: 'data/app.db' },
    };

    expect(() => connect(state, '/srv/app')).toThrow(/state\.everything and state\.policies both hold/);
  });

  it('allows neighbours', () => {
    const state = { a: { kind: 'files', path: 'data' }, b: { kind: 'files', path: 'data2' } };

    expect(connect(state, '/srv/app').map((source) => source.paths)).toEqual([['/srv/app/data'], ['/srv/app/data2']]);
  });
});
