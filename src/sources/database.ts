import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import { errorMessage, OutsideError } from '../core/errors.ts';
import type { Machine } from '../machines/machine.ts';
import type { Files } from '../platform/files.ts';
import type { Sqlite, TableDifference } from '../platform/sqlite.ts';
import { isDiskFull } from '../stores/disk.ts';

/** What SQLite keeps beside a database. A copy by the backup API has none of them. */
const COMPANIONS = ['-wal', '-shm', '-journal'] as const;
const HEADER = Buffer.from('SQLite format 3\0');

/** True when the file begins as every SQLite database with content does. False when there is none. */
export async function isDatabase(path: string, files: Pick<Files, 'openRead' | 'status'>): Promise<boolean> {
  const found = await files.status(path);
  if (found?.type !== 'file' || found.sizeBytes < HEADER.length) return false;
  const chunks: Buffer[] = [];
  for await (const chunk of files.openRead(path, { start: 0, end: HEADER.length - 1 })) chunks.push(chunk);
  return Buffer.concat(chunks).equals(HEADER);
}

/** The paths that belong to a database beside it, whether or not they are there. */
export function companionsOf(path: string): string[] {
  return COMPANIONS.map((suffix) => `${path}${suffix}`);
}

/** The database that this path would be a companion of; undefined when its name is not such a one. */
export function databaseOfCompanion(path: string): string | undefined {
  const suffix = COMPANIONS.find((each) => path.endsWith(each));
  return suffix === undefined ? undefined : path.slice(0, -suffix.length);
}

/** A consistent copy as one file; `to` must not exist. A full disk passes as it is, all else names the database. */
export async function copyDatabase(from: string, to: string, sqlite: Sqlite): Promise<void> {
  try {
    await sqlite.backup(from, to);
  } catch (error) {
    if (isDiskFull(error)) throw error;
    throw new OutsideError('database-unreadable', `the database ${from} cannot be copied: ${errorMessage(error)}`, {
      hint: 'Check it with "sqlite3 FILE \'PRAGMA integrity_check\'", or exclude it when it is no database.',
      cause: error,
    });
  }
}

/** Rejects when SQLite finds the database damaged. */
export async function assertIntact(path: string, sqlite: Sqlite): Promise<void> {
  const rows = await sqlite.query(path, 'PRAGMA integrity_check(3)');
  const answer = rows.map((row) => String(Object.values(row)[0])).join('; ');
  if (answer !== 'ok') {
    throw new OutsideError('database-damaged', `the database ${path} fails its integrity check: ${answer}`);
  }
}

/**
 * SHA-256 over the statements of the schema, sorted, white space folded, and `user_version`. Rows, statistics and the
 * order in which tables were made do not change it.
 */
export async function schemaFingerprint(path: string, sqlite: Sqlite): Promise<string> {
  const rows = await sqlite.query(
    path,
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  );
  const version = await sqlite.query(path, 'PRAGMA user_version');
  const statements = rows
    .map((row) => [
      row['type'],
      row['name'],
      row['tbl_name'],
      String(row['sql'] ?? '')
        .replace(/\s+/g, ' ')
        .trim(),
    ])
    .map(canonicalJson)
    .sort();
  const text = canonicalJson([statements, Number(version[0]?.['user_version'] ?? 0)]);
  return createHash('sha256').update(text).digest('hex');
}

/** Rows written and gone between a copy and the live database, with one line for each table. */
export async function countRows(
  copy: string,
  live: string,
  { files, sqlite }: Pick<Machine, 'files' | 'sqlite'>,
): Promise<{ count: number; details: string[] }> {
  // Without one of the two there is nothing to compare it with, and every row counts.
  const [before, after] = await Promise.all([isDatabase(copy, files), isDatabase(live, files)]);
  const differences =
    before && after ? await sqlite.countDifferences(copy, live) : await countAll(before ? copy : live, before, sqlite);
  return {
    count: differences.reduce((sum, each) => sum + Math.max(each.written, each.gone), 0),
    details: differences.map(({ table, written, gone }) => `${table}: ${written} rows written, ${gone} gone`),
  };
}

async function countAll(path: string, isGone: boolean, sqlite: Sqlite): Promise<TableDifference[]> {
  const tables = await sqlite.query(
    path,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  );
  const differences: TableDifference[] = [];
  for (const { name } of tables) {
    const table = String(name);
    const rows = await sqlite.query(path, `SELECT count(*) AS n FROM "${table.replaceAll('"', '""')}"`);
    const count = Number(rows[0]?.['n'] ?? 0);
    if (count > 0) differences.push({ table, written: isGone ? 0 : count, gone: isGone ? count : 0 });
  }
  return differences;
}
