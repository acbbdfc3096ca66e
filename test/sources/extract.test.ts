import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { packTar } from 'modern-tar';
import type { Machine } from '../../src/machines/machine.ts';
import { extractArchive } from '../../src/sources/extract.ts';
import { archiveName, type Manifest, type ManifestEntry } from '../../src/sources/manifest.ts';
import { connectStore } from '../../src/stores/registry.ts';
import type { Store } from '../../src/stores/store.ts';
import { aFileEntry, aFolderEntry, aLinkEntry, aManifest, BACKUP, storeArchive } from '../support/backup.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { aSmallDisk } from '../support/small-disk.ts';

type TarEntry = Parameters<typeof packTar>[0][number];

let root: string;
let machine: Machine;
let store: Store;
beforeEach(async () => {
  root = await aFolder();
  machine = aMachine(root);
  store = connectStore({ kind: 'directory', path: join(root, 'store') }, { machine, root });
});

const extract = (manifest: Manifest, into = join(root, 'into')) =>
  extractArchive({ manifest, store, files: machine.files, into, signal: new AbortController().signal });

/** What lies outside of the store: a strict extraction leaves nothing there when it refuses. */
const leftovers = async () => (await readdir(root)).filter((name) => name !== 'store');

const mtime = new Date(1_000_000_000_000);
const folder = (name: string, mode = 0o755): TarEntry => ({
  header: { name: `${name}/`, type: 'directory', size: 0, mode, mtime },
});
const file = (name: string, body: string, changes: object = {}): TarEntry => ({
  header: { name, type: 'file', size: Buffer.byteLength(body), mode: 0o644, mtime, ...changes },
  body,
});
const link = (name: string, linkname: string): TarEntry => ({
  header: { name, type: 'symlink', size: 0, mode: 0o777, linkname, mtime },
});

const goodEntries = [
  aFolderEntry(''),
  aFolderEntry('a', 0o500),
  aFileEntry('a/f', 'hello'),
  aLinkEntry('a/l', '../a/f'),
];
const goodTar = [
  folder('uploads'),
  folder('uploads/a', 0o500),
  file('uploads/a/f', 'hello'),
  link('uploads/a/l', '../a/f'),
];

describe('extractArchive', () => {
  it('gives back files, folders and links with modes and times', async () => {
    await extract(await storeArchive(await packTar(goodTar), aManifest(goodEntries), store));

    expect(await readFile(join(root, 'into/uploads/a/l'), 'utf8')).toBe('hello');
    expect((await stat(join(root, 'into/uploads/a'))).mode & 0o7777).toBe(0o500);
    expect((await stat(join(root, 'into/uploads/a/f'))).mtimeMs).toBe(1_000_000_000_000);
    expect(await leftovers()).toEqual(['into']);
  });

  const hostileArchives: { name: string; tar: TarEntry[] }[] = [
    { name: 'an entry too many', tar: [...goodTar, file('uploads/extra', 'x')] },
    { name: 'an entry too few', tar: goodTar.slice(0, -1) },
    { name: 'the same entry twice', tar: [...goodTar.slice(0, 3), file('uploads/a/f', 'hello')] },
    { name: 'entries in another order', tar: [folder('uploads/a', 0o500), folder('uploads'), ...goodTar.slice(2)] },
    { name: 'a parent path', tar: goodTar.with(2, file('uploads/../../etc/f', 'hello')) },
    { name: 'an absolute path', tar: goodTar.with(2, file('/etc/f', 'hello')) },
    { name: 'a path with a dot', tar: goodTar.with(2, file('uploads/./a/f', 'hello')) },
    { name: 'other content', tar: goodTar.with(2, file('uploads/a/f', 'HELLO')) },
    { name: 'longer content', tar: goodTar.with(2, file('uploads/a/f', 'hello!')) },
    { name: 'a setuid file', tar: goodTar.with(2, file('uploads/a/f', 'hello', { mode: 0o4644 })) },
    { name: 'other permissions', tar: goodTar.with(2, file('uploads/a/f', 'hello', { mode: 0o666 })) },
    { name: 'a link in place of a file', tar: goodTar.with(2, link('uploads/a/f', '/etc/passwd')) },
    { name: 'a link in place of a folder', tar: goodTar.with(1, link('uploads/a', '/etc')) },
    { name: 'a link to another place', tar: goodTar.with(3, link('uploads/a/l', '/etc/passwd')) },
    {
      name: 'a hard link',
      tar: goodTar.with(2, {
        header: { name: 'uploads/a/f', type: 'link', size: 0, linkname: '/etc/passwd', mode: 0o644, mtime },
      }),
    },
    {
      name: 'a pipe',
      tar: goodTar.with(2, { header: { name: 'uploads/a/f', type: 'fifo', size: 0, mode: 0o644, mtime } }),
    },
    {
      name: 'a device',
      tar: goodTar.with(2, { header: { name: 'uploads/a/f', type: 'character-device', size: 0, mode: 0o644, mtime } }),
    },
    {
      name: 'a long name by pax that leads out',
      tar: goodTar.with(2, file('uploads/a/f', 'hello', { pax: { path: '../../../etc/f' } })),
    },
  ];
  for (const { name, tar } of hostileArchives) {
    it(`refuses ${name}`, async () => {
      const manifest = await storeArchive(await packTar(tar), aManifest(goodEntries), store);

      await expect(extract(manifest)).rejects.toMatchObject({ code: 'backup-damaged' });

      expect(await leftovers()).toEqual([]);
    });
  }

  const hostileManifests: { name: string; entries: ManifestEntry[] }[] = [
    { name: 'a parent path', entries: [aFolderEntry(''), aFileEntry('../f', 'x')] },
    { name: 'an absolute path', entries: [aFolderEntry(''), aFileEntry('/etc/f', 'x')] },
    { name: 'an empty name', entries: [aFolderEntry(''), aFileEntry('a//f', 'x')] },
    { name: 'a duplicate', entries: [aFolderEntry(''), aFileEntry('f', 'x'), aFileEntry('f', 'x')] },
    { name: 'a file below a file', entries: [aFolderEntry(''), aFileEntry('f', 'x'), aFileEntry('f/g', 'x')] },
    { name: 'a file below a link', entries: [aFolderEntry(''), aLinkEntry('l', 'd'), aFileEntry('l/g', 'x')] },
    { name: 'a file before its folder', entries: [aFolderEntry(''), aFileEntry('d/g', 'x'), aFolderEntry('d')] },
    { name: 'no root', entries: [aFileEntry('f', 'x')] },
    { name: 'an absolute link', entries: [aFolderEntry(''), aLinkEntry('l', '/etc')] },
    { name: 'a link that leads out', entries: [aFolderEntry(''), aLinkEntry('l', '../x')] },
    {
      name: 'a link that leads out on a detour',
      entries: [aFolderEntry(''), aFolderEntry('a'), aLinkEntry('a/l', '../b/../../x')],
    },
    {
      name: 'two links that lead out together',
      entries: [aFolderEntry(''), aFolderEntry('a'), aLinkEntry('a/up', '..'), aLinkEntry('l', 'a/up/../x')],
    },
  ];
  for (const { name, entries } of hostileManifests) {
    it(`refuses a manifest with ${name}`, async () => {
      const manifest = await storeArchive(await packTar([]), aManifest(entries), store);

      await expect(extract(manifest)).rejects.toMatchObject({ code: 'backup-damaged' });

      expect(await leftovers()).toEqual([]);
    });
  }

  it('refuses totals that are not those of the entries', async () => {
    const manifest = await storeArchive(await packTar(goodTar), aManifest(goodEntries, { contentBytes: 4 }), store);

    await expect(extract(manifest)).rejects.toMatchObject({ code: 'backup-damaged' });
  });

  it('stops at an archive that unpacks to far more than it should, without filling the disk', async () => {
    const disk = await aSmallDisk(4);
    const bomb = new Uint8Array(64 * 1024 * 1024);
    bomb.set(await packTar(goodTar));
    const manifest = await storeArchive(bomb, aManifest(goodEntries), store);

    await expect(extract(manifest, join(disk, 'into'))).rejects.toMatchObject({ code: 'backup-damaged' });

    expect(await readdir(disk)).toEqual([]);
  });

  it('notices every single flipped byte and every truncation', async () => {
    const manifest = await storeArchive(await packTar(goodTar), aManifest(goodEntries), store);
    const path = join(store.place, archiveName(BACKUP));
    const bytes = await readFile(path);
    const damages: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      damages.push(flipped, bytes.subarray(0, at));
    }
    damages.push(Buffer.concat([bytes, Buffer.from('x')]), Buffer.concat([bytes, bytes]));

    for (const damage of damages) {
      await writeFile(path, damage);
      await expect(extract(manifest)).rejects.toMatchObject({ code: 'backup-damaged' });
    }

    expect(await leftovers()).toEqual([]);
  });

  it('refuses another archive with the same entries', async () => {
    const manifest = await storeArchive(await packTar(goodTar), aManifest(goodEntries), store);
    const other = zstdCompressSync(await packTar(goodTar.with(2, file('uploads/a/f', 'hello', { uname: 'other' }))));
    const padded = Buffer.concat([other, Buffer.alloc(Math.max(0, manifest.sizeBytes - other.length))]);
    await writeFile(join(store.place, archiveName(BACKUP)), padded.subarray(0, manifest.sizeBytes));

    await expect(extract(manifest)).rejects.toMatchObject({ code: 'backup-damaged' });
  });

  it('says so when the archive is missing', async () => {
    await expect(extract(aManifest(goodEntries))).rejects.toMatchObject({ code: 'not-stored' });
  });

  it('says which disk is full and leaves nothing there', async () => {
    const disk = await aSmallDisk(1);
    const body = 'x'.repeat(3_000_000);
    const entries = [aFolderEntry(''), aFileEntry('f', body)];
    const tar = await packTar([folder('uploads'), file('uploads/f', body)]);
    const manifest = await storeArchive(tar, aManifest(entries), store);

    await expect(extract(manifest, join(disk, 'into'))).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining(disk),
    });

    expect(await readdir(disk)).toEqual([]);
  });

  it('takes away what a killed attempt left, and begins again', async () => {
    await mkdir(join(root, 'into.partial/uploads'), { recursive: true });
    await writeFile(join(root, 'into.partial/uploads/stray'), 'x');

    await extract(await storeArchive(await packTar(goodTar), aManifest(goodEntries), store));

    expect(await readdir(join(root, 'into/uploads'))).toEqual(['a']);
    expect(
      createHash('sha256')
        .update(await readFile(join(root, 'into/uploads/a/f')))
        .digest('hex'),
    ).toBe(createHash('sha256').update('hello').digest('hex'));
  });
});
