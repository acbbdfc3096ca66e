import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { PACKED_BUILD, type PackedBuild, packBuild } from '../../src/deploy/packed-build.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { aFolder } from '../support/machine.ts';
import { aPlatform } from '../support/platform.ts';

/** What a build left: two outputs with everything that an archive of GitHub would lose or trip over. */
async function aBuiltFolder(): Promise<string> {
  const folder = await aFolder();
  await mkdir(join(folder, 'out/web/lib'), { recursive: true });
  await mkdir(join(folder, 'out/web/.git'));
  await mkdir(join(folder, 'out/worker'));
  await writeFile(join(folder, 'holdfast.yml'), 'version: 1');
  await writeFile(join(folder, 'out/web/.git/config'), 'history');
  await writeFile(join(folder, 'out/web/start'), '#!/bin/sh\n');
  await chmod(join(folder, 'out/web/start'), 0o4755);
  await writeFile(join(folder, 'out/web/a name\nof two lines'), 'odd');
  await writeFile(join(folder, `out/web/lib/${'long-'.repeat(45)}`), 'long');
  await symlink('lib', join(folder, 'out/web/link'));
  await writeFile(join(folder, 'out/worker/größe'), 'x'.repeat(3_000_000));
  return folder;
}

async function pack(folder: string, outputs: Record<string, string>, platform: Platform = aPlatform()) {
  const paths = Object.entries(outputs).map(([service, path]) => [service, join(folder, path)] as const);
  const packing = { outputs: new Map(paths), directory: folder, file: 'holdfast.yml', into: await aFolder() };
  return await packBuild(packing, platform);
}

/** What tar says of each entry, sorted as in the archive. */
function listing({ path }: PackedBuild): string[] {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  const flags = ['--quoting-style=c', '--utc', '--full-time', '-tvf', path];
  const text = execFileSync('tar', flags, { encoding: 'utf8', env });
  return text.trimEnd().split('\n');
}

const BOTH = { web: 'out/web', worker: './out/worker/' };

describe('packing what was built', () => {
  it('gives one file that tar unpacks with modes, links and odd names, relative to the folder of holdfast.yml', async () => {
    const packed = await pack(await aBuiltFolder(), BOTH);
    const into = await aFolder();

    execFileSync('tar', ['-xpf', packed.path, '-C', into]);

    expect(packed.path.endsWith(`/${PACKED_BUILD}`)).toBe(true);
    expect(packed.files).toBe(4);
    expect((await stat(join(into, 'out/web/start'))).mode & 0o7777).toBe(0o755);
    expect(await readFile(join(into, 'out/web/a name\nof two lines'), 'utf8')).toBe('odd');
    expect(await readFile(join(into, `out/web/link/${'long-'.repeat(45)}`), 'utf8')).toBe('long');
    expect((await stat(join(into, 'out/worker/größe'))).size).toBe(3_000_000);
    expect(listing(packed).filter((line) => line.includes('.git'))).toEqual([]);
  });

  it('says the digest and size of that file', async () => {
    const packed = await pack(await aBuiltFolder(), BOTH);

    const sha256 = createHash('sha256')
      .update(await readFile(packed.path))
      .digest('hex');
    expect(packed.sha256).toBe(sha256);
    expect((await stat(packed.path)).size).toBe(packed.sizeBytes);
  });

  it('gives the same bytes for the same files, whenever and by whom they were made', async () => {
    const [first, second] = [await aBuiltFolder(), await aBuiltFolder()];
    await utimes(join(second, 'out/web/start'), 1, 1);
    await chmod(join(second, 'out/web/lib'), 0o700);
    // Another order on the disk.
    await rename(join(second, 'out/worker'), join(second, 'out/x'));
    await rename(join(second, 'out/x'), join(second, 'out/worker'));

    const packed = [await pack(first, BOTH), await pack(second, { worker: 'out/worker', web: 'out/web' })];

    expect(packed[1]?.sha256).toBe(packed[0]?.sha256);
    for (const line of listing(packed[0] ?? (await pack(first, BOTH))))
      expect(line).toMatch(/ 0\/0 .* 1970-01-01 00:00:00 /);
  });

  it('has another digest as soon as a file can be executed', async () => {
    const folder = await aBuiltFolder();
    const before = await pack(folder, BOTH);
    await chmod(join(folder, 'out/worker/größe'), 0o744);

    expect((await pack(folder, BOTH)).sha256).not.toBe(before.sha256);
  });

  it('packs an output once that lies in another, a single file, and what a link inside leads to', async () => {
    const folder = await aBuiltFolder();
    await symlink('out/worker', join(folder, 'current'));
    await writeFile(join(folder, 'app.tar.gz'), 'packed by somebody else');

    const nested = await pack(folder, { all: 'out', web: 'out/web' });
    const others = await pack(folder, { worker: 'current', api: 'app.tar.gz' });

    expect(listing(nested).filter((line) => line.includes('out/web/start'))).toHaveLength(1);
    expect(listing(others).map((line) => line.split(' ').at(-1))).toEqual([
      '"app.tar.gz"',
      '"current/"',
      '"current/gr\\303\\266\\303\\237e"',
    ]);
  });

  it('leaves holdfast.yml out where the output is the whole folder', async () => {
    const packed = await pack(await aBuiltFolder(), { web: '.' });

    expect(listing(packed).filter((line) => line.includes('holdfast.yml'))).toEqual([]);
    expect(listing(packed).filter((line) => line.includes('out/web/start'))).toHaveLength(1);
  });

  it.each(['../holdfast.yml', '/etc', 'leads-out'])('refuses the output %s, which lies outside', async (output) => {
    const directory = join(await aBuiltFolder(), 'out');
    await symlink('/etc', join(directory, 'leads-out'));
    const outputs = new Map([['web', resolve(directory, output)]]);
    const packing = { outputs, directory, file: 'holdfast.yml', into: await aFolder() };

    await expect(packBuild(packing, aPlatform())).rejects.toMatchObject({ code: 'output-outside' });
  });

  it('refuses what no release could take: a link that leads out of its output, and a pipe', async () => {
    const folder = await aBuiltFolder();
    await symlink('../web/start', join(folder, 'out/worker/start'));
    const other = await aBuiltFolder();
    execFileSync('mkfifo', [join(other, 'out/worker/pipe')]);

    await expect(pack(folder, BOTH)).rejects.toMatchObject({ code: 'artifact-unsafe' });
    await expect(pack(other, BOTH)).rejects.toMatchObject({ code: 'artifact-unsafe' });
  });

  it('says so when a file changes while it is packed', async () => {
    const folder = await aBuiltFolder();
    const platform = aPlatform();
    const files = {
      ...platform.files,
      status: async (path: string) => {
        const status = await platform.files.status(path);
        return status && path.endsWith('/start') ? { ...status, sizeBytes: status.sizeBytes - 1 } : status;
      },
    };

    await expect(pack(folder, BOTH, { ...platform, files })).rejects.toMatchObject({ code: 'output-changed' });
  });

  it('names a disk that is full', async () => {
    const platform = aPlatform();
    const full = () =>
      new Writable({
        write(_chunk, _encoding, done) {
          done(Object.assign(new Error('no space left'), { code: 'ENOSPC', syscall: 'write' }));
        },
      });

    await expect(
      pack(await aBuiltFolder(), BOTH, { ...platform, files: { ...platform.files, openWrite: full } }),
    ).rejects.toMatchObject({ code: 'disk-full' });
  });

  it('ends when the run shall end', async () => {
    await expect(pack(await aBuiltFolder(), BOTH, aPlatform({ signal: AbortSignal.abort() }))).rejects.toThrow(
      'interrupted',
    );
  });
});
