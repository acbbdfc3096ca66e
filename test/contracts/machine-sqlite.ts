import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import { aFolder } from '../support/machine.ts';

export function machineSqliteContract(
  name: string,
  make: () => Promise<Machine>,
  end: (machine: Machine) => Promise<void>,
): void {
  describe(`${name} keeps the promises of a machine: databases`, () => {
    let machine: Machine;
    let folder: string;
    const at = (path: string) => join(folder, path);
    const write = (path: string, sql: string) => {
      const database = new DatabaseSync(at(path));
      database.exec(sql);
      database.close();
    };
    beforeAll(async () => {
      machine = await make();
    });
    afterAll(() => end(machine));
    beforeEach(async () => {
      folder = await aFolder();
    });

    it('reads rows, without a trace', async () => {
      for (const [file, mode] of [
        ['plain.db', 'delete'],
        ['it\'s a "wal" ü.db', 'wal'],
      ] as const) {
        write(
          file,
          `PRAGMA journal_mode = ${mode}; CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'it''s'), (2.5, NULL);`,
        );

        expect(await machine.sqlite.query(at(file), 'SELECT a, b FROM t ORDER BY a')).toEqual([
          { a: 1, b: "it's" },
          { a: 2.5, b: null },
        ]);
        expect(await machine.sqlite.query(at(file), 'SELECT a FROM t WHERE a > 9')).toEqual([]);
      }
      expect((await readdir(folder)).sort()).toEqual(['it\'s a "wal" ü.db', 'plain.db']);
    });

    it('changes nothing and creates nothing', async () => {
      write('a.db', 'CREATE TABLE t (a)');

      await expect(machine.sqlite.query(at('a.db'), 'INSERT INTO t VALUES (1)')).rejects.toThrow();
      await expect(machine.sqlite.query(at('missing.db'), 'SELECT 1')).rejects.toThrow();
      await expect(machine.sqlite.query(at('a.db'), 'SELECT no_such_column FROM t')).rejects.toThrow(/no_such_column/);

      expect(await machine.sqlite.query(at('a.db'), 'SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
      expect(await readdir(folder)).toEqual(['a.db']);
    });

    it('copies a database that is in use, as one file', async () => {
      for (const mode of ['delete', 'wal']) {
        write(`${mode}.db`, `PRAGMA journal_mode = ${mode}; CREATE TABLE t (a)`);
        const writer = new DatabaseSync(at(`${mode}.db`));
        writer.exec('INSERT INTO t VALUES (1), (2)');

        await machine.sqlite.backup(at(`${mode}.db`), at(`copy "of" ${mode}.db`));

        writer.exec('INSERT INTO t VALUES (3)');
        writer.close();
        expect(await machine.sqlite.query(at(`copy "of" ${mode}.db`), 'SELECT count(*) AS n FROM t')).toEqual([
          { n: 2 },
        ]);
      }
      expect((await readdir(folder)).sort()).toEqual([
        'copy "of" delete.db',
        'copy "of" wal.db',
        'delete.db',
        'wal.db',
      ]);
      await expect(machine.sqlite.backup(at('wal.db'), at('delete.db'))).rejects.toThrow();
      await expect(machine.sqlite.backup(at('missing.db'), at('new.db'))).rejects.toThrow();
    });

    it('counts the rows by which two databases differ', async () => {
      const start = `CREATE TABLE same (a); CREATE TABLE "odd ""name'" (a, b TEXT COLLATE NOCASE); CREATE TABLE gone (a);
        INSERT INTO same VALUES (1), (1); INSERT INTO "odd ""name'" VALUES (1, 'x'), (2, 'y'), (3, 'z'); INSERT INTO gone VALUES (1), (2);`;
      write('old.db', start);
      write(
        'new?#.db',
        `PRAGMA journal_mode = wal; ${start} DROP TABLE gone; DELETE FROM "odd ""name'" WHERE a = 1; UPDATE "odd ""name'" SET b = 'Y' WHERE a = 2;
         ALTER TABLE same ADD COLUMN later; CREATE TABLE fresh (a); INSERT INTO fresh VALUES (7);`,
      );

      const differences = await machine.sqlite.countDifferences(at('old.db'), at('new?#.db'));

      expect([...differences].sort((a, b) => a.table.localeCompare(b.table))).toEqual([
        { table: 'fresh', written: 1, gone: 0 },
        { table: 'gone', written: 0, gone: 2 },
        { table: 'odd "name\'', written: 1, gone: 2 },
      ]);
      expect(await machine.sqlite.countDifferences(at('old.db'), at('old.db'))).toEqual([]);
      expect((await readdir(folder)).sort()).toEqual(['new?#.db', 'old.db']);
    });
  });
}
