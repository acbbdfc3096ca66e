import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import { schemaFingerprint } from '../../src/sources/database.ts';
import type { Source } from '../../src/sources/source.ts';
import { sqliteSource } from '../../src/sources/sqlite.ts';
import { sourceContract } from '../contracts/source.ts';
import { changeDatabase, lookAtDatabase } from '../support/database.ts';
import { aFolder, aMachine } from '../support/machine.ts';

for (const mode of ['DELETE', 'WAL']) {
  sourceContract(`a database in ${mode} mode`, async (root) => {
    const path = join(root, 'state', 'app.db');
    await mkdir(dirname(path), { recursive: true });
    changeDatabase(
      path,
      `PRAGMA journal_mode = ${mode}; CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, NULL)`,
    );
    return {
      source: (machine) => connect(machine, path),
      look: async () => lookAtDatabase(path),
      write: async () => changeDatabase(path, "INSERT INTO t VALUES (3, 'y'); UPDATE t SET a = 'z' WHERE id = 1"),
      migrate: async () => changeDatabase(path, 'CREATE TABLE u (b); ALTER TABLE t DROP COLUMN a'),
      destroy: () => rm(path),
      async isKept(aside, seen) {
        return JSON.stringify(lookAtDatabase(join(aside, 'app.db'))) === JSON.stringify(seen);
      },
      canBeAbsent: true,
    };
  });
}

describe('a database', () => {
  it('goes aside with the write-ahead log of a service that was killed, and comes back without', async () => {
    const root = await aFolder();
    const path = join(root, 'app.db');
    const machine = aMachine(root);
    const source = connect(machine, path);
    changeDatabase(path, 'PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)');
    const folder = await unpackedCopy(source, root);
    const noted = lookAtDatabase(path);
    await leaveWal(path, 'INSERT INTO t VALUES (2)');
    const wal = await readFile(`${path}-wal`);
    expect(wal.length).toBeGreaterThan(0);

    expect(await source.countWrites(folder)).toMatchObject({ count: 1, unit: 'rows' });
    await source.restore(folder, join(root, 'aside'));
    await source.verify(folder, await source.fingerprint());

    expect(lookAtDatabase(path)).toEqual(noted);
    expect(await readFile(join(root, 'aside/app.db-wal'))).toEqual(wal);
    expect(lookAtDatabase(join(root, 'aside/app.db'))?.['rows']).toEqual({ t: [{ a: 1 }, { a: 2 }] });
  });

  it('does not pass verification with a stray journal beside it', async () => {
    const root = await aFolder();
    const path = join(root, 'app.db');
    const source = connect(aMachine(root), path);
    changeDatabase(path, 'CREATE TABLE t (a)');
    const folder = await unpackedCopy(source, root);
    await source.restore(folder, join(root, 'aside'));
    const fingerprint = await source.fingerprint();
    await writeFile(`${path}-journal`, 'stray');

    await expect(source.verify(folder, fingerprint)).rejects.toThrow('app.db-journal');
  });

  it('is not proven when a page of the copy is damaged', async () => {
    const root = await aFolder();
    const path = join(root, 'app.db');
    const source = connect(aMachine(root), path);
    changeDatabase(
      path,
      `CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE INDEX i ON t (a);
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, 'row ' || i FROM n`,
    );
    const fingerprint = await source.fingerprint();
    const folder = await unpackedCopy(source, root);
    const bytes = await readFile(join(folder, 'database'));
    bytes.fill(0xff, 40_960, 45_056);
    await writeFile(join(folder, 'database'), bytes);

    await expect(source.prove(folder, fingerprint, root)).rejects.toThrow(/integrity check|malformed/);
  });

  it('keeps the mode of the file', async () => {
    const root = await aFolder();
    const path = join(root, 'app.db');
    const source = connect(aMachine(root), path);
    await writeFile(path, '', { mode: 0o640 });
    changeDatabase(path, 'CREATE TABLE t (a)');
    const entries = [];
    for await (const entry of (await source.dump(root)).entries) entries.push(entry);

    expect(entries.at(-1)).toMatchObject({ type: 'file', mode: 0o640 });
    expect(await readdir(root)).toEqual(['app.db']);
    expect((await stat(path)).size).toBe(entries.at(-1)?.sizeBytes);
  });
});

describe('schemaFingerprint', () => {
  const cases: { name: string; first: string; second: string; same: boolean }[] = [
    { name: 'rows', first: 'CREATE TABLE t (a)', second: 'CREATE TABLE t (a); INSERT INTO t VALUES (1)', same: true },
    { name: 'white space', first: 'CREATE TABLE t (a, b)', second: 'CREATE  TABLE t (a,\n b)', same: true },
    {
      name: 'the order in which tables were made',
      first: 'CREATE TABLE t (a); CREATE TABLE u (b)',
      second: 'CREATE TABLE u (b); CREATE TABLE t (a)',
      same: true,
    },
    {
      name: 'statistics',
      first: 'CREATE TABLE t (a); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1)',
      second: 'CREATE TABLE t (a); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1); ANALYZE',
      same: true,
    },
    { name: 'a column', first: 'CREATE TABLE t (a)', second: 'CREATE TABLE t (a, b)', same: false },
    {
      name: 'an index',
      first: 'CREATE TABLE t (a)',
      second: 'CREATE TABLE t (a); CREATE INDEX i ON t (a)',
      same: false,
    },
    {
      name: 'user_version',
      first: 'CREATE TABLE t (a)',
      second: 'CREATE TABLE t (a); PRAGMA user_version = 2',
      same: false,
    },
  ];
  for (const { name, first, second, same } of cases) {
    it(`is ${same ? 'the same' : 'another one'} after a change of ${name}`, async () => {
      const root = await aFolder();
      changeDatabase(join(root, 'a.db'), first);
      changeDatabase(join(root, 'b.db'), second);
      const { sqlite } = aMachine(root);

      const [a, b] = [
        await schemaFingerprint(join(root, 'a.db'), sqlite),
        await schemaFingerprint(join(root, 'b.db'), sqlite),
      ];

      expect(a === b).toBe(same);
    });
  }
});

function connect(machine: Machine, path: string): Source {
  const signal = new AbortController().signal;
  return sqliteSource.connect(
    { kind: 'sqlite', path },
    { name: 'policies', machine, root: '/nowhere', sharedOf: () => '/nowhere', directory: '/', signal },
  );
}

async function unpackedCopy(source: Source, root: string): Promise<string> {
  const folder = join(root, 'unpacked');
  await mkdir(folder);
  for await (const entry of (await source.dump(root)).entries) {
    if (entry.open !== undefined) await writeFile(join(folder, entry.path), await entry.open());
  }
  return folder;
}

/** As a killed service leaves it: the rows are in the log only. */
async function leaveWal(path: string, sql: string): Promise<void> {
  const writer = new DatabaseSync(path);
  writer.exec('PRAGMA wal_autocheckpoint = 0');
  writer.exec(sql);
  await cp(path, `${path}.killed`);
  await cp(`${path}-wal`, `${path}.killed-wal`);
  writer.close();
  await cp(`${path}.killed`, path);
  await cp(`${path}.killed-wal`, `${path}-wal`);
  await rm(`${path}.killed`);
  await rm(`${path}.killed-wal`);
}
