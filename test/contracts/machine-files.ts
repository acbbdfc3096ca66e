import { createHash, randomBytes } from 'node:crypto';
import { chmod, lstat, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import type { Files } from '../../src/platform/files.ts';
import { aFolder } from '../support/machine.ts';

/** Names that a shell, an option parser or a line reader would take for something else. */
export const AWKWARD_NAMES = [
  'with space',
  "it's",
  'say "hi"',
  'two\nlines',
  'ends with newline\n',
  '-rf',
  '--help',
  '$(touch pwned)',
  '`id`',
  '$HOME',
  'a;b&c|d',
  '*',
  '?[a-z]',
  '~',
  '!!',
  'back\\slash',
  '\ttab',
  '#hash',
  'a=b',
  'größe-日本-🚀',
  'a: No such file or directory',
  '.hidden',
  '..two',
  '%s%n',
] as const;

export function machineFilesContract(
  name: string,
  make: () => Promise<Machine>,
  end: (machine: Machine) => Promise<void>,
): void {
  describe(`${name} keeps the promises of a machine: files`, () => {
    let machine: Machine;
    let files: Files;
    let folder: string;
    const at = (path: string) => join(folder, path);
    beforeAll(async () => {
      machine = await make();
      files = machine.files;
    });
    afterAll(() => end(machine));
    beforeEach(async () => {
      folder = await aFolder();
    });

    it('tells the status of a file, a folder, a link and nothing', async () => {
      await writeFile(at('file'), 'hello', { mode: 0o640 });
      await utimes(at('file'), 1_700_000_000.25, 1_700_000_000.25);
      await symlink('nowhere', at('link'));

      const { uid, gid, ino } = await lstat(at('file'));
      expect(await files.status(at('file'))).toEqual({
        type: 'file',
        sizeBytes: 5,
        mode: 0o640,
        modifiedMs: 1_700_000_000_250,
        uid,
        gid,
        inode: ino,
      });
      expect((await files.status(folder))?.type).toBe('directory');
      expect((await files.status(at('link')))?.type).toBe('link');
      expect((await files.status('/dev/null'))?.type).toBe('other');
      expect(await files.status(at('missing'))).toBeUndefined();
      expect(await files.status(at('file/below'))).toBeUndefined();
    });

    it('writes and reads bytes of every value and any size, with the mode that was asked for', async () => {
      const everything = Buffer.concat([
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        randomBytes(700_000),
      ]);
      for (const content of [Buffer.alloc(0), Buffer.from('\n'), Buffer.from('\n\n\0'), everything]) {
        await files.write(at('file'), content, 0o600);

        expect(Buffer.compare(await readFile(at('file')), content)).toBe(0);
        const back = await files.read(at('file'));
        expect(back !== undefined && Buffer.compare(back, content) === 0).toBe(true);
      }
      expect((await stat(at('file'))).mode & 0o7777).toBe(0o600);
      expect(await files.list(folder)).toEqual(['file']);
    });

    it('replaces a file as a whole: whoever has it open still sees the old one', async () => {
      await files.write(at('file'), 'old');
      const { inode } = (await files.status(at('file'))) ?? { inode: 0 };

      await files.write(at('file'), 'new');

      expect((await files.status(at('file')))?.inode).not.toBe(inode);
      expect(await readFile(at('file'), 'utf8')).toBe('new');
    });

    it('leaves nothing behind when a write fails', async () => {
      await files.makeDirectory(at('taken'));

      await expect(files.write(at('taken'), 'x')).rejects.toMatchObject({ code: 'EISDIR' });
      await expect(files.write(at('missing/file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });

      expect(await files.list(folder)).toEqual(['taken']);
    });

    it('reads nothing where nothing is, and says why a folder cannot be read', async () => {
      expect(await files.read(at('missing'))).toBeUndefined();
      await expect(files.read(folder)).rejects.toMatchObject({ code: 'EISDIR' });
    });

    it('lets exactly one of several creators win', async () => {
      const results = await Promise.all(
        ['a', 'b', 'c', 'd'].map((each) => files.create(at('lock'), each.repeat(100), 0o600)),
      );

      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await readFile(at('lock'), 'utf8')).toMatch(/^(a{100}|b{100}|c{100}|d{100})$/);
      expect((await stat(at('lock'))).mode & 0o777).toBe(0o600);
      expect(await files.list(folder)).toEqual(['lock']);
      await expect(files.create(at('missing/lock'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('appends, and makes the file when there is none', async () => {
      await files.append(at('log'), 'one\n', 0o600);
      await files.append(at('log'), "two 'quoted'\n");

      expect(await readFile(at('log'), 'utf8')).toBe("one\ntwo 'quoted'\n");
      expect((await stat(at('log'))).mode & 0o777).toBe(0o600);
      await expect(files.append(at('missing/log'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('lists names sorted, hidden ones included, of a folder or a link to one', async () => {
      for (const each of ['b', 'a', '.c']) await writeFile(at(each), '');
      await symlink('missing', at('dangling'));
      await symlink(folder, `${folder}-link`);

      expect(await files.list(folder)).toEqual(['.c', 'a', 'b', 'dangling']);
      expect(await files.list(`${folder}-link`)).toEqual(['.c', 'a', 'b', 'dangling']);
      expect(await files.list(at('missing'))).toEqual([]);
      expect(await files.list(at('a'))).toEqual([]);
      await files.remove(`${folder}-link`);
    });

    it('makes folders with their parents, and again without harm', async () => {
      await files.makeDirectory(at('a/b'), 0o700);
      await files.makeDirectory(at('a/b'), 0o755);

      expect((await stat(at('a'))).mode & 0o777).toBe(0o700);
      expect((await stat(at('a/b'))).mode & 0o777).toBe(0o700);
      await writeFile(at('file'), '');
      await expect(files.makeDirectory(at('file'))).rejects.toMatchObject({ code: 'EEXIST' });
    });

    it('removes a file, a tree, a link without its target, and nothing', async () => {
      await files.makeDirectory(at('tree/deep'));
      await writeFile(at('tree/deep/file'), 'x');
      await writeFile(at('kept'), 'x');
      await symlink('kept', at('link'));

      for (const each of ['tree', 'link', 'missing', 'missing/below']) await files.remove(at(each));

      expect(await files.list(folder)).toEqual(['kept']);
    });

    it('renames over a file, a link and an empty folder, never into a folder', async () => {
      await writeFile(at('one'), '1');
      await writeFile(at('two'), '2');
      await files.rename(at('one'), at('two'));
      expect(await readFile(at('two'), 'utf8')).toBe('1');

      await files.makeDirectory(at('release'));
      await symlink('nowhere', at('current'));
      await symlink('release', at('next'));
      await files.rename(at('next'), at('current'));
      expect(await readlink(at('current'))).toBe('release');
      expect(await files.list(at('release'))).toEqual([]);

      await files.makeDirectory(at('full/inside'));
      await expect(files.rename(at('release'), at('full'))).rejects.toMatchObject({ code: 'ENOTEMPTY' });
      await expect(files.rename(at('two'), at('full'))).rejects.toMatchObject({ code: 'EISDIR' });
      await expect(files.rename(at('full'), at('two'))).rejects.toMatchObject({ code: 'ENOTDIR' });
      await expect(files.rename(at('missing'), at('two'))).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(files.rename(at('two'), at('missing/two'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('does not move from one disk to another', async () => {
      await writeFile(at('file'), 'x');

      await expect(files.rename(at('file'), `/dev/shm/holdfast-${process.pid}`)).rejects.toMatchObject({
        code: 'EXDEV',
      });

      expect(await readFile(at('file'), 'utf8')).toBe('x');
    });

    it('renames to a new name only', async () => {
      await writeFile(at('one'), '1');
      await writeFile(at('two'), '2');

      await expect(files.renameNew(at('one'), at('two'))).rejects.toMatchObject({ code: 'EEXIST' });
      await files.renameNew(at('one'), at('three'));

      expect(await files.list(folder)).toEqual(['three', 'two']);
      expect(await readFile(at('two'), 'utf8')).toBe('2');
    });

    it('makes, reads and resolves links', async () => {
      await files.makeDirectory(at('real'));
      await files.link('real', at('link'));

      expect(await files.readLink(at('link'))).toBe('real');
      expect(await files.realPath(at('link'))).toBe(at('real'));
      expect(await files.readLink(at('missing'))).toBeUndefined();
      await expect(files.readLink(at('real'))).rejects.toMatchObject({ code: 'EINVAL' });
      await expect(files.link('other', at('link'))).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(files.link('other', at('real'))).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(files.realPath(at('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('gives files a mode, a time and an owner', async () => {
      await writeFile(at('file'), 'x');
      await symlink('missing', at('link'));

      await files.setMode(at('file'), 0o751);
      await files.setModified(at('file'), 1_600_000_000_125);
      await files.setOwner(at('file'), 12, 34);
      await files.setOwner(at('link'), 12, 34);

      const found = await stat(at('file'));
      expect([found.mode & 0o7777, found.mtimeMs, found.uid, found.gid]).toEqual([0o751, 1_600_000_000_125, 12, 34]);
      expect((await lstat(at('link'))).uid).toBe(12);
      await files.makeDirectory(at('folder'));
      await chmod(at('folder'), 0o2755);
      await files.setMode(at('folder'), 0o755);
      expect((await stat(at('folder'))).mode & 0o7777).toBe(0o755);
      for (const change of [
        files.setMode(at('missing'), 0o600),
        files.setModified(at('missing'), 0),
        files.setOwner(at('missing'), 0, 0),
      ]) {
        await expect(change).rejects.toMatchObject({ code: 'ENOENT' });
      }
      expect(await files.status(at('missing'))).toBeUndefined();
    });

    it('streams a part of a file', async () => {
      await writeFile(at('file'), '0123456789');

      expect((await buffer(files.openRead(at('file')))).toString()).toBe('0123456789');
      expect((await buffer(files.openRead(at('file'), { start: 2, end: 4 }))).toString()).toBe('234');
      expect((await buffer(files.openRead(at('file'), { start: 8, end: 100 }))).toString()).toBe('89');
      expect((await buffer(files.openRead(at('file'), { start: 8, end: Number.POSITIVE_INFINITY }))).toString()).toBe(
        '89',
      );
      expect((await buffer(files.openRead(at('file'), { start: 20, end: 30 }))).toString()).toBe('');
      await expect(buffer(files.openRead(at('missing')))).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(buffer(files.openRead(folder))).rejects.toMatchObject({ code: 'EISDIR' });
    });

    it.each([0, 1, 300_000, 3_000_000])('streams a new file of %i bytes in and out', async (sizeBytes) => {
      const content = randomBytes(sizeBytes);
      const chunks = function* () {
        for (let start = 0; start < sizeBytes; start += 40_000) yield content.subarray(start, start + 40_000);
      };

      await pipeline(Readable.from(chunks()), files.openWrite(at('file'), 0o600));
      await files.sync(at('file'));

      expect((await stat(at('file'))).mode & 0o777).toBe(0o600);
      const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
      expect(digest(await readFile(at('file')))).toBe(digest(content));
      expect(digest(await buffer(files.openRead(at('file'))))).toBe(digest(content));
      await expect(pipeline(Readable.from(['x']), files.openWrite(at('file')))).rejects.toMatchObject({
        code: 'EEXIST',
      });
      await expect(pipeline(Readable.from([content]), files.openWrite(at('missing/file')))).rejects.toMatchObject({
        code: 'ENOENT',
      });
    });

    it('gives up a stream that nobody reads on', async () => {
      await writeFile(at('file'), randomBytes(5_000_000));
      const stream = files.openRead(at('file'));
      await new Promise((resolve) => stream.once('data', resolve));

      stream.destroy();

      expect((await files.status(at('file')))?.sizeBytes).toBe(5_000_000);
    });

    it('copies to a new file with its mode', async () => {
      await writeFile(at('one'), 'content', { mode: 0o750 });
      await writeFile(at('two'), 'other');

      await files.copy(at('one'), at('three'));

      expect(await readFile(at('three'), 'utf8')).toBe('content');
      expect((await stat(at('three'))).mode & 0o777).toBe(0o750);
      await expect(files.copy(at('one'), at('two'))).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(files.copy(at('missing'), at('four'))).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await readFile(at('two'), 'utf8')).toBe('other');
      expect(await files.list(folder)).toEqual(['one', 'three', 'two']);
    });

    it('flushes files and folders, and cuts files', async () => {
      await writeFile(at('file'), '0123456789');

      await files.sync(at('file'));
      await files.sync(folder);
      await files.truncate(at('file'), 4);

      expect(await readFile(at('file'), 'utf8')).toBe('0123');
      await expect(files.sync(at('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(files.truncate(at('missing'), 0)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await files.status(at('missing'))).toBeUndefined();
    });

    it('tells what room is left', async () => {
      expect(await files.freeBytes(folder)).toBeGreaterThan(1_000_000);
      await expect(files.freeBytes(at('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('names a full disk by the code of the system', async () => {
      await expect(pipeline(Readable.from([Buffer.alloc(10)]), files.openWrite('/dev/full'))).rejects.toMatchObject({
        code: 'EEXIST',
      });
      await expect(files.append('/dev/full', 'x')).rejects.toMatchObject({ code: 'ENOSPC' });
    });

    it('keeps a log below its limit and a few older ones', async () => {
      for (const content of ['first', 'second', 'third', 'fourth']) {
        await writeFile(at('log'), content);
        await files.rotate(at('log'), { maxBytes: 3, keep: 2 });
      }
      await files.rotate(at('log'), { maxBytes: 3, keep: 2 });
      await files.rotate(at('missing'), { maxBytes: 3, keep: 2 });

      expect(await files.list(folder)).toEqual(['log', 'log.1', 'log.2']);
      expect(await readFile(at('log'), 'utf8')).toBe('');
      expect(await readFile(at('log.1'), 'utf8')).toBe('fourth');
      expect(await readFile(at('log.2'), 'utf8')).toBe('third');
    });

    it('makes a fresh private folder each time', async () => {
      const [one, two] = await Promise.all([
        files.makeTemporary('holdfast test-'),
        files.makeTemporary('holdfast test-'),
      ]);

      expect(one).not.toBe(two);
      expect((await stat(one ?? '')).mode & 0o777).toBe(0o700);
      for (const each of [one, two]) await files.remove(each ?? '');
    });

    it.each(AWKWARD_NAMES)('takes the name %j as it is', async (awkward) => {
      const path = at(awkward);
      await files.write(path, 'one');
      await files.append(path, ' two');
      await files.rename(path, `${path}.moved`);
      await files.link(awkward, path);
      await files.copy(`${path}.moved`, `${path}.copy`);
      await files.makeDirectory(join(`${path}.folder`, awkward));
      await pipeline(Readable.from(['x']), files.openWrite(join(`${path}.folder`, awkward, awkward)));

      expect(await files.list(folder)).toEqual(
        [awkward, `${awkward}.copy`, `${awkward}.folder`, `${awkward}.moved`].sort(),
      );
      expect(await files.readLink(path)).toBe(awkward);
      expect((await files.status(`${path}.copy`))?.sizeBytes).toBe(7);
      expect((await files.read(`${path}.moved`))?.toString()).toBe('one two');
      expect((await buffer(files.openRead(`${path}.copy`))).toString()).toBe('one two');
      expect(await files.realPath(`${path}.folder`)).toBe(`${path}.folder`);
      await files.remove(path);
      expect(await files.status(path)).toBeUndefined();
      expect(await files.status(`${path}.moved`)).toBeDefined();
    });

    it('refuses a path with a zero byte', async () => {
      await expect((async () => files.read(at('a\0b')))()).rejects.toThrow();
    });
  });
}
