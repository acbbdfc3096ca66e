import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemSqlite } from '../../src/platform/sqlite.ts';

const sqlite = systemSqlite();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-sqlite-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function make(name: string, sql: string): string {
  const path = join(folder, name);
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
  return path;
}

const digest = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

describe('countDifferences', () => {
  const cases: { name: string; before: string; after: string; expected: object[] }[] = [
    {
      name: 'sees new, changed and deleted rows',
      before: "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')",
      after: "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'changed'), (4, 'new')",
      expected: [{ table: 't', written: 2, gone: 2 }],
    },
    {
      name: 'counts equal rows as often as they stand there',
      before: "CREATE TABLE t (a); INSERT INTO t VALUES ('x')",
      after: "CREATE TABLE t (a); INSERT INTO t VALUES ('x'), ('x'), ('x'), (NULL)",
      expected: [{ table: 't', written: 3, gone: 0 }],
    },
    {
      name: 'does not take NULL for a difference',
      before: 'CREATE TABLE t (a, b); INSERT INTO t VALUES (NULL, 1)',
      after: 'CREATE TABLE t (a, b); INSERT INTO t VALUES (NULL, 1)',
      expected: [],
    },
    {
      name: 'sees a change of case in a column that ignores it',
      before: "CREATE TABLE t (a TEXT COLLATE NOCASE); INSERT INTO t VALUES ('Anna')",
      after: "CREATE TABLE t (a TEXT COLLATE NOCASE); INSERT INTO t VALUES ('ANNA')",
      expected: [{ table: 't', written: 1, gone: 1 }],
    },
    {
      name: 'compares the columns that both have after a migration',
      before: "CREATE TABLE t (id INTEGER PRIMARY KEY, a, old); INSERT INTO t VALUES (1, 'x', 9)",
      after:
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, new DEFAULT 5); INSERT INTO t (id, a) VALUES (1, 'x'), (2, 'y')",
      expected: [{ table: 't', written: 1, gone: 0 }],
    },
    {
      name: 'counts all rows where no column is shared',
      before: 'CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)',
      after: 'CREATE TABLE t (b); INSERT INTO t VALUES (1)',
      expected: [{ table: 't', written: 1, gone: 2 }],
    },
    {
      name: 'counts tables that only one side has',
      before: 'CREATE TABLE dropped (a); INSERT INTO dropped VALUES (1)',
      after: 'CREATE TABLE created (a); INSERT INTO created VALUES (1), (2)',
      expected: [
        { table: 'dropped', written: 0, gone: 1 },
        { table: 'created', written: 2, gone: 0 },
      ],
    },
    {
      name: 'handles WITHOUT ROWID, generated columns, odd names, and leaves views out',
      before: `CREATE TABLE "we""ird 'name" (k TEXT PRIMARY KEY, "a b", g AS (length(k))) WITHOUT ROWID;
               INSERT INTO "we""ird 'name" VALUES ('k', 1);
               CREATE VIEW v AS SELECT * FROM "we""ird 'name"`,
      after: `CREATE TABLE "we""ird 'name" (k TEXT PRIMARY KEY, "a b", g AS (length(k))) WITHOUT ROWID;
              INSERT INTO "we""ird 'name" VALUES ('k', 1), ('l', 2);
              CREATE VIEW v AS SELECT * FROM "we""ird 'name"`,
      expected: [{ table: `we"ird 'name`, written: 1, gone: 0 }],
    },
  ];
  for (const { name, before, after, expected } of cases) {
    it(name, async () => {
      const differences = await sqlite.countDifferences(make('before.db', before), make('after.db', after));

      expect(differences).toEqual(expected);
    });
  }

  it('reads paths with ?, #, %, quotes and spaces, and changes nothing beside them', async () => {
    const sql = 'PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)';
    const before = make("be?fo#re%20 'x.db", sql);
    const after = make('after;&é.db', `${sql}, (2)`);
    const digests = [await digest(before), await digest(after)];

    expect(await sqlite.countDifferences(before, after)).toEqual([{ table: 't', written: 1, gone: 0 }]);

    expect([await digest(before), await digest(after)]).toEqual(digests);
    expect(await readdir(folder)).toHaveLength(2);
  });

  it('does not create a database that is not there', async () => {
    const path = make('one.db', 'CREATE TABLE t (a)');

    await expect(sqlite.countDifferences(join(folder, 'missing.db'), path)).rejects.toThrow();

    expect(await readdir(folder)).toEqual(['one.db']);
  });

  it('compares a large table in a few seconds', async () => {
    const rows = (count: number) =>
      `CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
       INSERT INTO t SELECT i, 'row ' || i FROM n`;

    const differences = await sqlite.countDifferences(make('a.db', rows(100_000)), make('b.db', rows(100_007)));

    expect(differences).toEqual([{ table: 't', written: 7, gone: 0 }]);
  });
});

describe('query', () => {
  it('cannot write', async () => {
    const path = make('a.db', 'PRAGMA journal_mode = WAL; CREATE TABLE t (a)');

    await expect(sqlite.query(path, 'INSERT INTO t VALUES (1)')).rejects.toThrow(/readonly|query_only|read-only/);

    expect(await sqlite.query(path, 'SELECT count(*) AS n FROM t')).toMatchObject([{ n: 0 }]);
  });

  it('leaves no companions beside a WAL database that nobody has open', async () => {
    const path = make('a.db', 'PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (7)');
    const before = await digest(path);

    expect(await sqlite.query(path, 'SELECT a FROM t')).toMatchObject([{ a: 7 }]);

    expect(await readdir(folder)).toEqual(['a.db']);
    expect(await digest(path)).toBe(before);
  });

  it('reads what lies in the WAL of a live database and leaves the WAL alone', async () => {
    const path = join(folder, 'a.db');
    const live = new DatabaseSync(path);
    live.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a); INSERT INTO t VALUES (7)');
    const wal = await digest(`${path}-wal`);

    expect(await sqlite.query(path, 'SELECT a FROM t')).toMatchObject([{ a: 7 }]);

    expect(await digest(`${path}-wal`)).toBe(wal);
    live.close();
  });

  it('reads a database whose writer died in the middle of a transaction', async () => {
    const path = make('a.db', "CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(100000)), ('kept')");
    // Small cache: pages are written before the commit that never comes, and a hot journal stays.
    await dieWhile(`const { DatabaseSync } = require('node:sqlite');
      const d = new DatabaseSync(${JSON.stringify(path)});
      d.exec('PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; UPDATE t SET a = randomblob(100000); INSERT INTO t VALUES (randomblob(500000))');
      process.kill(process.pid, 'SIGKILL');`);
    expect(await readdir(folder)).toContain('a.db-journal');

    const rows = await sqlite.query(path, "SELECT count(*) AS n FROM t WHERE a = 'kept'");

    expect(rows).toMatchObject([{ n: 1 }]);
  });
});

describe('backup', () => {
  for (const mode of ['DELETE', 'WAL']) {
    it(`copies a database that another process writes to all the time (${mode})`, async () => {
      const path = make(
        'a.db',
        `PRAGMA journal_mode = ${mode}; CREATE TABLE t (id INTEGER PRIMARY KEY, a);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO t SELECT i, hex(randomblob(100)) FROM n`,
      );
      const writer = spawn(
        process.execPath,
        [
          '-e',
          `const { DatabaseSync } = require('node:sqlite');
           const d = new DatabaseSync(${JSON.stringify(path)}, { timeout: 5000 });
           const insert = d.prepare('INSERT INTO t (a) VALUES (1)');
           setInterval(() => insert.run(), 2); console.log('up')`,
        ],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      );
      await new Promise((resolve) => writer.stdout.once('data', resolve));
      try {
        await sqlite.backup(path, join(folder, 'copy.db'));
      } finally {
        writer.kill('SIGKILL');
        await new Promise((resolve) => writer.once('close', resolve));
      }

      expect(await sqlite.query(join(folder, 'copy.db'), 'PRAGMA integrity_check')).toMatchObject([
        { integrity_check: 'ok' },
      ]);
      expect((await readdir(folder)).filter((name) => name.startsWith('copy'))).toEqual(['copy.db']);
    });
  }

  it('refuses to write over a file', async () => {
    const path = make('a.db', 'CREATE TABLE t (a)');
    const other = make('b.db', 'CREATE TABLE u (a)');

    await expect(sqlite.backup(path, other)).rejects.toThrow('exists already');
  });

  it('does not take a file that is no database', async () => {
    await expect(sqlite.backup(join(folder, 'missing.db'), join(folder, 'copy.db'))).rejects.toThrow();

    expect(await readdir(folder)).toEqual([]);
  });
});

function dieWhile(script: string): Promise<unknown> {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  return new Promise((resolve) => child.once('close', resolve));
}
