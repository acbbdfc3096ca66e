import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import { filesSource } from '../../src/sources/files.ts';
import type { Source } from '../../src/sources/source.ts';
import { type LiveState, sourceContract } from '../contracts/source.ts';
import { changeDatabase, lookAtDatabase } from '../support/database.ts';
import { Died, dyingFiles } from '../support/dying-files.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { aSmallDisk } from '../support/small-disk.ts';
import { lookAtTree } from '../support/tree.ts';

sourceContract('a folder', async (root) => {
  const place = join(root, 'state');
  await mkdir(join(place, 'deep/er'), { recursive: true });
  await mkdir(join(place, '.empty'), { recursive: true });
  await writeFile(join(place, '.dot'), 'hidden');
  await writeFile(join(place, 'deep/er/file'), 'x'.repeat(3_000_000), { mode: 0o640 });
  await writeFile(join(place, `${'long-'.repeat(40)}name ü\n.txt`), 'odd', { mode: 0o755 });
  await symlink('../.dot', join(place, 'deep/link'));
  await utimes(join(place, '.dot'), 1_000_000, 1_000_000);
  return folderState(place);
});

sourceContract('a folder with databases', async (root) => {
  const place = join(root, 'state');
  const database = join(place, 'deep/app.db');
  await mkdir(dirname(database), { recursive: true });
  await writeFile(join(place, 'plain'), 'x');
  changeDatabase(
    database,
    "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')",
  );
  const look = async (at: string) => ({
    plain: (await lookAtTree(at))['plain'],
    database: lookAtDatabase(join(at, 'deep/app.db')),
  });
  return {
    ...folderState(place),
    look: () => look(place),
    write: async () => changeDatabase(database, "INSERT INTO t VALUES (2, 'y'); UPDATE t SET a = 'z' WHERE id = 1"),
    migrate: async () => changeDatabase(database, 'ALTER TABLE t ADD COLUMN b'),
    async isKept(aside, seen) {
      return JSON.stringify(await look(join(aside, 'state'))) === JSON.stringify(seen);
    },
  };
});

function folderState(place: string): LiveState {
  return {
    source: (machine) => connect(machine, place),
    look: () => lookAtTree(place),
    async write() {
      await writeFile(join(place, '.dot'), 'changed');
      await writeFile(join(place, 'new'), 'new');
      await rm(join(place, 'deep/er'), { recursive: true, force: true });
    },
    destroy: () => rm(place, { recursive: true, force: true }),
    async isKept(aside, seen) {
      return JSON.stringify(await lookAtTree(join(aside, 'state'))) === JSON.stringify(seen);
    },
    canBeAbsent: true,
  };
}

function connect(machine: Machine, place: string, exclude: string[] = []): Source {
  return filesSource.connect(
    { kind: 'files', path: place, exclude },
    {
      name: 'uploads',
      machine,
      root: '/nowhere',
      sharedOf: () => '/nowhere',
      directory: '/',
      signal: new AbortController().signal,
    },
  );
}

describe('a folder', () => {
  it('leaves excluded files out of the copy and leaves them alone when it comes back', async () => {
    const root = await aFolder();
    const place = join(root, 'state');
    await mkdir(join(place, 'cache/deep'), { recursive: true });
    await writeFile(join(place, 'kept'), '1');
    await writeFile(join(place, 'cache/deep/entry'), 'old');
    const source = connect(aMachine(root), place, ['cache', '**/*.tmp']);
    const { folder, paths } = await unpackedCopy(source, root);
    await writeFile(join(place, 'kept'), '2');
    await writeFile(join(place, 'cache/deep/entry'), 'new');
    await mkdir(join(place, 'uploads'), { mode: 0o750 });
    await writeFile(join(place, 'uploads/half.tmp'), 'half');
    await writeFile(join(place, 'uploads/whole'), 'whole');

    await source.restore(folder, join(root, 'aside'));
    await source.verify(folder, undefined);

    expect(paths).toEqual(['', 'kept']);
    expect(await readFile(join(place, 'kept'), 'utf8')).toBe('1');
    expect(await readFile(join(place, 'cache/deep/entry'), 'utf8')).toBe('new');
    expect(await readFile(join(place, 'uploads/half.tmp'), 'utf8')).toBe('half');
    expect((await stat(join(place, 'uploads'))).mode & 0o777).toBe(0o750);
    expect(await readdir(join(place, 'uploads'))).toEqual(['half.tmp']);
    expect(await readFile(join(root, 'aside/state/uploads/whole'), 'utf8')).toBe('whole');
  });

  it('refuses to copy a file whose name is not UTF-8, rather than to lose it, unless it is excluded', async () => {
    const root = await aFolder();
    const place = join(root, 'state');
    await mkdir(join(place, 'old'), { recursive: true });
    await writeFile(Buffer.concat([Buffer.from(`${place}/old/caf`), Buffer.from([0xe9])]), 'in Latin-1');
    await writeFile(join(place, 'a \ufffd that was meant'), 'text');

    const copying = unpackedCopy(connect(aMachine(root), place, []), root);
    await expect(copying).rejects.toMatchObject({ code: 'name-not-text' });
    const { paths } = await unpackedCopy(connect(aMachine(root), place, ['old']), await aFolder());

    expect(paths).toEqual(['', 'a \ufffd that was meant']);
  });

  it('skips with a notice what no archive can hold, and links that lead out', async () => {
    const root = await aFolder();
    const place = join(root, 'state');
    await mkdir(place);
    execFileSync('mkfifo', [join(place, 'pipe')]);
    await symlink('/etc/passwd', join(place, 'absolute'));
    await symlink('../../x', join(place, 'upwards'));
    await symlink('missing', join(place, 'dangling'));
    await writeFile(join(place, 'setuid'), '');
    await chmod(join(place, 'setuid'), 0o4755);

    const { paths, notices } = await unpackedCopy(connect(aMachine(root), place), root);

    expect(paths).toEqual(['', 'dangling', 'setuid']);
    expect(notices.map((notice) => notice.path).sort()).toEqual(['absolute', 'pipe', 'setuid', 'upwards']);
  });

  it('reads a file again that changes meanwhile, and says so when it never settles', async () => {
    const root = await aFolder();
    const place = join(root, 'state');
    await mkdir(place);
    await writeFile(join(place, 'busy'), '0');
    await writeFile(join(place, 'once'), '0');
    const machine = aMachine(root);
    const reads: string[] = [];
    const restless: Machine = {
      ...machine,
      files: {
        ...machine.files,
        async read(path) {
          const content = await machine.files.read(path);
          const isFirst = !reads.includes(path);
          reads.push(path);
          if (path.endsWith('busy') || isFirst) await writeFile(path, `${reads.length}`.repeat(reads.length + 1));
          return content;
        },
      },
    };

    const { folder, notices } = await unpackedCopy(connect(restless, place), root);

    expect(notices).toEqual([{ path: 'busy', message: 'kept changing while it was read' }]);
    expect(reads.filter((path) => path.endsWith('busy'))).toHaveLength(3);
    expect(reads.filter((path) => path.endsWith('once'))).toHaveLength(2);
    expect(await readFile(join(folder, 'once'), 'utf8')).toBe(await readFile(join(place, 'once'), 'utf8'));
  });

  it('copies large files that are being appended to as they were at one moment', async () => {
    const root = await aFolder();
    const place = join(root, 'state');
    await mkdir(place);
    await writeFile(join(place, 'log'), 'x'.repeat(5_000_000));
    const writer = setInterval(() => appendFile(join(place, 'log'), 'x'.repeat(1000)), 1);
    try {
      const { folder } = await unpackedCopy(connect(aMachine(root), place), root);

      expect((await stat(join(folder, 'log'))).size).toBeGreaterThanOrEqual(5_000_000);
    } finally {
      clearInterval(writer);
    }
  });

  it('takes a database in use without its companions, and gives back one file', async () => {
    const root = await aFolder();
    const place = join(root, 'state');
    await mkdir(place);
    const live = new DatabaseSync(join(place, 'app.db'));
    live.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)');
    await writeFile(join(place, 'notes-wal'), 'no companion: there is no database of that name');
    const source = connect(aMachine(root), place);

    const { folder, paths } = await unpackedCopy(source, root);
    live.exec('INSERT INTO t VALUES (2)');
    const writes = await source.countWrites(folder);
    live.close();

    expect(paths).toEqual(['', 'app.db', 'notes-wal']);
    expect(lookAtDatabase(join(folder, 'app.db'))?.['rows']).toEqual({ t: [{ a: 1 }] });
    expect(writes).toEqual({ count: 1, unit: 'writes', details: ['app.db: t: 1 rows written, 0 gone'] });
  });

  it('replaces what a link at its place stands for, and not the link', async () => {
    const root = await aFolder();
    await mkdir(join(root, 'disk/uploads'), { recursive: true });
    await symlink('disk/uploads', join(root, 'state'));
    await writeFile(join(root, 'disk/uploads/f'), '1');
    const source = connect(aMachine(root), join(root, 'state'));
    const { folder } = await unpackedCopy(source, root);
    await writeFile(join(root, 'disk/uploads/f'), '2');

    await source.restore(folder, join(root, 'aside'));
    await source.restore(folder, join(root, 'aside'));

    expect(await readlink(join(root, 'state'))).toBe('disk/uploads');
    expect(await readFile(join(root, 'state/f'), 'utf8')).toBe('1');
    expect(await readdir(join(root, 'aside'))).toEqual(['.restored', 'uploads']);
  });

  it('keeps the failed state on another disk by copying it', async () => {
    const root = await aFolder();
    const place = join(root, 'state');
    const disk = await aSmallDisk(2);
    await mkdir(place);
    await writeFile(join(place, 'f'), '1');
    const source = connect(aMachine(root), place);
    const { folder } = await unpackedCopy(source, root);
    await writeFile(join(place, 'f'), '2');

    await source.restore(folder, join(disk, 'aside'));

    expect(await readFile(join(place, 'f'), 'utf8')).toBe('1');
    expect(await readFile(join(disk, 'aside/state/f'), 'utf8')).toBe('2');
  });

  it('exchanges the content of a mount point, which cannot be renamed, and goes on after an interruption', async () => {
    const root = await aFolder();
    const place = await aSmallDisk(1);
    await mkdir(join(place, 'd'));
    await writeFile(join(place, 'd/f'), '1');
    await writeFile(join(place, 'g'), '1');
    const machine = aMachine(root);
    const { folder } = await unpackedCopy(connect(machine, place, ['*.tmp']), root);
    await writeFile(join(place, 'd/f'), '2');
    await writeFile(join(place, 'new'), '2');
    await writeFile(join(place, 'x.tmp'), 'left alone');
    const noted = await lookAtTree(folder);

    let attempts = 0;
    for (let allowed = 0, done = false; !done; allowed += 1) {
      attempts += 1;
      const dying = { ...machine, files: dyingFiles(machine.files, allowed) };
      done = await connect(dying, place, ['*.tmp'])
        .restore(folder, join(root, 'aside'))
        .then(
          () => true,
          (error: unknown) => (error instanceof Died ? false : Promise.reject(error)),
        );
    }

    expect(attempts).toBeGreaterThan(5);
    await connect(machine, place, ['*.tmp']).verify(folder, undefined);
    expect(await readFile(join(place, 'd/f'), 'utf8')).toBe('1');
    expect(await readdir(place)).toEqual(['d', 'g', 'x.tmp']);
    expect(Object.keys(noted)).toEqual(['', 'd', 'd/f', 'g']);
    const kept = join(root, 'aside', basename(place));
    expect(await readFile(join(kept, 'd/f'), 'utf8')).toBe('2');
    expect(await readFile(join(kept, 'new'), 'utf8')).toBe('2');
    expect((await readdir(dirname(place))).filter((name) => name.startsWith(`${basename(place)}.`))).toEqual([]);
  });

  it('is refused when it is a file', async () => {
    const root = await aFolder();
    await writeFile(join(root, 'state'), 'x');

    await expect(unpackedCopy(connect(aMachine(root), join(root, 'state')), root)).rejects.toMatchObject({
      code: 'not-a-folder',
    });
  });
});

async function unpackedCopy(source: Source, root: string) {
  const folder = join(root, 'unpacked');
  const scratch = join(root, 'scratch');
  await mkdir(scratch);
  const paths: string[] = [];
  const dump = await source.dump(scratch);
  for await (const entry of dump.entries) {
    paths.push(entry.path);
    const target = join(folder, entry.path);
    if (entry.type === 'directory') await mkdir(target, { mode: entry.mode });
    else if (entry.linkTarget !== undefined) await symlink(entry.linkTarget, target);
    else if (entry.open !== undefined) await writeFile(target, await entry.open(), { mode: entry.mode });
  }
  expect(await readdir(scratch)).toEqual([]);
  return { folder, paths, notices: dump.notices };
}
