import { open, stat } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** SQLite databases as files of this computer, through Node's own engine. */
export interface Sqlite {
  /**
   * A consistent copy of a database that may be in use (online backup API), as one file without companions.
   * `to` must not exist. Writers wait for as long as the copy takes, unless the database is in WAL mode.
   */
  backup(from: string, to: string): Promise<void>;
  /** Rows of a read-only query; the database is not created. */
  query(path: string, sql: string): Promise<Record<string, unknown>[]>;
  /**
   * Rows by which two databases differ, table by table, over the columns that both have; equal rows are counted as
   * often as they stand there. Neither database is changed.
   */
  countDifferences(before: string, after: string): Promise<TableDifference[]>;
}

export interface TableDifference {
  readonly table: string;
  /** Rows in `after` that `before` does not have (new or changed). */
  readonly written: number;
  /** Rows in `before` that `after` does not have (changed or deleted). */
  readonly gone: number;
}

/** How long a reader waits for a writer that holds the lock. */
const BUSY_MS = 10_000;

/**
 * All pages in one step. With smaller steps a writer in another process makes the copy begin again after each one, and
 * a database that is written to all the time is never copied.
 */
const ALL_PAGES = 2_147_483_647;

export function systemSqlite(): Sqlite {
  // Loaded on use: Node still calls the module experimental and says so on load.
  const engine = () => import('node:sqlite');
  const reading = async <T>(path: string, use: (database: DatabaseSync) => T | Promise<T>): Promise<T> => {
    const { DatabaseSync } = await engine();
    const readOnly = !(await needsCompanions(path));
    let database = new DatabaseSync(path, { readOnly, timeout: BUSY_MS });
    try {
      database.exec('PRAGMA query_only = 1');
      try {
        database.exec('SELECT count(*) FROM sqlite_schema');
      } catch (error) {
        // A writer died in the middle of a transaction: SQLite must roll it back before anyone can read.
        if (!readOnly || !isReadOnlyError(error)) throw error;
        database.close();
        database = new DatabaseSync(path, { timeout: BUSY_MS });
        database.exec('PRAGMA query_only = 1');
      }
      return await use(database);
    } finally {
      database.close();
    }
  };
  return {
    async backup(from, to) {
      if (await exists(to)) throw new Error(`${to} exists already`);
      const { backup } = await engine();
      await reading(from, (source) => backup(source, to, { rate: ALL_PAGES }));
    },
    query: (path, sql) => reading(path, (database) => database.prepare(sql).all()),
    async countDifferences(before, after) {
      const { DatabaseSync } = await engine();
      const sides = [await attachable(before), await attachable(after)] as const;
      const database = new DatabaseSync(':memory:', { timeout: BUSY_MS });
      try {
        database.exec(`ATTACH ${quoteText(sides[0])} AS old`);
        database.exec(`ATTACH ${quoteText(sides[1])} AS new`);
        database.exec('PRAGMA query_only = 1');
        return compareTables(database);
      } finally {
        database.close();
      }
    },
  };
}

function compareTables(database: DatabaseSync): TableDifference[] {
  const oldTables = columnsByTable(database, 'old');
  const newTables = columnsByTable(database, 'new');
  const differences: TableDifference[] = [];
  for (const table of new Set([...oldTables.keys(), ...newTables.keys()])) {
    const before = oldTables.get(table);
    const after = newTables.get(table);
    const shared = (before ?? []).filter((column) => after?.includes(column));
    const difference =
      shared.length > 0
        ? compareRows(database, table, shared)
        : {
            table,
            written: after === undefined ? 0 : countRows(database, 'new', table),
            gone: before === undefined ? 0 : countRows(database, 'old', table),
          };
    if (difference.written > 0 || difference.gone > 0) differences.push(difference);
  }
  return differences;
}

/** Tables with their stored columns: generated ones follow from the others, shadow tables from their virtual table. */
function columnsByTable(database: DatabaseSync, schema: 'old' | 'new'): Map<string, string[]> {
  const rows = database
    .prepare(
      `SELECT t.name AS "table", c.name AS "column" FROM pragma_table_list t JOIN pragma_table_info(t.name, t.schema) c
       WHERE t.schema = '${schema}' AND t.type IN ('table', 'virtual') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    )
    .all();
  const tables = new Map<string, string[]>();
  for (const row of rows) {
    const table = String(row['table']);
    tables.set(table, [...(tables.get(table) ?? []), String(row['column'])]);
  }
  return tables;
}

/**
 * Each new row counts +1, each old row -1, equal rows fall together: what is left over differs. BINARY, because a column
 * that ignores case would hide a row in which only the case changed.
 */
function compareRows(database: DatabaseSync, table: string, columns: readonly string[]): TableDifference {
  const name = quoteName(table);
  const list = columns.map((column, index) => `${quoteName(column)} COLLATE BINARY AS c${index}`).join(', ');
  const keys = columns.map((_, index) => `c${index}`).join(', ');
  const row = database
    .prepare(
      `SELECT total(max(left, 0)) AS written, total(max(-left, 0)) AS gone FROM (
         SELECT sum(sign) AS left FROM (
           SELECT ${list}, 1 AS sign FROM new.${name} UNION ALL SELECT ${list}, -1 FROM old.${name}
         ) GROUP BY ${keys}
       )`,
    )
    .get();
  return { table, written: Number(row?.['written'] ?? 0), gone: Number(row?.['gone'] ?? 0) };
}

function countRows(database: DatabaseSync, schema: 'old' | 'new', table: string): number {
  const row = database.prepare(`SELECT count(*) AS n FROM ${schema}.${quoteName(table)}`).get();
  return Number(row?.['n'] ?? 0);
}

/**
 * A database in WAL mode that nobody has open has no companions; SQLite makes them for any reader. A read-only connection
 * would leave them behind, a writing one that never writes takes them away again when it closes.
 */
async function needsCompanions(path: string): Promise<boolean> {
  return !(await exists(`${path}-wal`)) && (await isWriteAhead(path));
}

async function attachable(path: string): Promise<string> {
  const url = pathToFileURL(path);
  // `rw` rather than nothing, which would create a missing database.
  url.searchParams.set('mode', (await needsCompanions(path)) ? 'rw' : 'ro');
  return url.href;
}

/** Bytes 18 and 19 of the header are 2 in WAL mode. */
async function isWriteAhead(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const header = Buffer.alloc(20);
    await file.read(header, 0, header.length, 0);
    return header[18] === 2 && header[19] === 2;
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;

function isReadOnlyError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return false;
  const primary = Number(error.errcode) & 0xff;
  return primary === SQLITE_READONLY || primary === SQLITE_CANTOPEN;
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
