import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { connectStore } from '../../src/stores/registry.ts';
import { storeContract } from '../contracts/store.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { aSmallDisk } from '../support/small-disk.ts';

storeContract('a directory store', async () => {
  const root = await aFolder();
  return connectStore({ kind: 'directory' }, { machine: aMachine(root), root });
});

describe('a directory store', () => {
  it('lies below the root of the environment by default and is closed to others', async () => {
    const root = await aFolder();
    const store = connectStore({ kind: 'directory' }, { machine: aMachine(root), root });

    await store.put('one', Readable.from(['x']));

    expect(store.place).toBe(join(root, '.holdfast', 'store'));
    expect((await stat(store.place)).mode & 0o777).toBe(0o700);
    expect((await stat(join(store.place, 'one'))).mode & 0o777).toBe(0o600);
  });

  it('takes a path of its own, relative to the root', async () => {
    const root = await aFolder();
    const store = connectStore({ kind: 'directory', path: 'elsewhere' }, { machine: aMachine(root), root });

    await store.put('one', Readable.from(['x']));

    expect(await readdir(join(root, 'elsewhere'))).toEqual(['one']);
  });

  it('does not list what a killed writer left, and removes it after a day', async () => {
    const root = await aFolder();
    const folder = join(root, 'store');
    await mkdir(folder);
    await writeFile(join(folder, '.unfinished-1-1-old'), 'half');
    await utimes(join(folder, '.unfinished-1-1-old'), 0, 0);
    await writeFile(join(folder, '.unfinished-2-1-young'), 'half');
    const store = connectStore({ kind: 'directory', path: folder }, { machine: aMachine(root), root });

    await store.put('one', Readable.from(['x']));

    expect((await store.list('')).map((object) => object.name)).toEqual(['one']);
    expect(await readdir(folder)).toEqual(['.unfinished-2-1-young', 'one']);
  });

  it('says which disk is full and leaves nothing half-written', async () => {
    const disk = await aSmallDisk(1);
    const store = connectStore({ kind: 'directory', path: disk }, { machine: aMachine(disk), root: disk });

    const putting = store.put('big', Readable.from(Array.from({ length: 30 }, () => Buffer.alloc(100_000, 'x'))));

    await expect(putting).rejects.toMatchObject({
      name: 'OutsideError',
      code: 'disk-full',
      message: expect.stringContaining(disk),
    });
    expect(await readdir(disk)).toEqual([]);
  });
});
