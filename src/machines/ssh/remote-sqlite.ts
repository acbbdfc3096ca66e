import { OutsideError } from '../../core/errors.ts';
import type { Sqlite, TableDifference } from '../../platform/sqlite.ts';
import type { Connection } from './connection.ts';
import { codedError } from './failures.ts';
import { quote } from './quote.ts';

/** How long a reader waits for a writer that holds the lock. */
const BUSY_MS = 10_000;

/** SQLite databases of the server, through its own program `sqlite3`. */
export function remoteSqlite(connection: Connection): Sqlite {
  const { host } = connection;
  /** What the program answers to commands of its own or SQL, one each line. */
  const tell = async (path: string, script: string): Promise<string> => {
    const { status, stdout, stderr } = await connection.ask(
      `command -v sqlite3 >/dev/null || exit ${MISSING_PROGRAM}\n${script}`,
    );
    if (status === 0) return stdout.toString();
    if (status === MISSING_PROGRAM) {
      throw new OutsideError('program-missing', `${host} has no program sqlite3, which its databases need`, {
        hint: 'Install it there (on Debian: apt-get install sqlite3).',
      });
    }
    if (status === MISSING_FILE) throw codedError(host, 'ENOENT', 'opening', path);
    if (status === EXISTS) throw codedError(host, 'EEXIST', 'copying a database to', path);
    throw databaseError(host, path, stderr);
  };
  const rows = async (path: string, sql: string): Promise<Record<string, unknown>[]> => {
    const text = (await tell(path, reading(path, ['.mode json', `${sql}\n;`]))).trim();
    // No row is no text at all.
    return text === '' ? [] : JSON.parse(text);
  };
  return {
    query: rows,
    async backup(from, to) {
      // In a transaction, so that another process that writes cannot make the copy begin again.
      const commands = ['BEGIN;', 'SELECT count(*) FROM sqlite_schema;', `.backup main ${quoteWord(to)}`];
      await tell(from, `[ ! -e ${quote(to)} ] || exit ${EXISTS}\n${reading(from, commands)}`);
    },
    async countDifferences(before, after) {
      const sides = { old: await attachable(connection, before), new: await attachable(connection, after) };
      const attach = Object.entries(sides).map(([side, uri]) => `ATTACH ${quoteText(uri)} AS ${side};`);
      const both = async (sql: string): Promise<Record<string, unknown>[]> => {
        const text = (await tell(after, asking(':memory:', ['.mode json', ...attach, sql]))).trim();
        return text === '' ? [] : JSON.parse(text);
      };
      const columns = await both(`${columnsOf('old')} UNION ALL ${columnsOf('new')};`);
      const questions = questionsOf(columns);
      if (questions.length === 0) return [];
      const counted = await both(`${questions.join(' UNION ALL ')};`);
      return counted.map(readDifference).filter(({ written, gone }) => written > 0 || gone > 0);
    },
  };
}

const MISSING_PROGRAM = 20;
const MISSING_FILE = 21;
const EXISTS = 22;

/**
 * Reads a database without changing it. One in WAL mode that nobody has open must be opened for writing, because only
 * a writing connection takes away the companions that any reader makes; so must one whose writer died half-way.
 */
function reading(path: string, commands: readonly string[]): string {
  return `path=${quote(path)}
[ -e "$path" ] || exit ${MISSING_FILE}
mode=
if ! { ${needsCompanions('"$path"')}; }; then
  said=$(${sqlite3(['SELECT count(*) FROM sqlite_schema;'])} -readonly "$path" 2>&1 >/dev/null) && mode=-readonly
  case "$mode$said" in -readonly*|*readonly*|*'unable to open'*) ;; *) printf '%s\\n' "$said" >&2; exit 1;; esac
fi
${sqlite3(commands)} $mode "$path"`;
}

/** Commands to a database that is not there yet: others are attached to it. */
function asking(database: ':memory:', commands: readonly string[]): string {
  return `${sqlite3(commands)} ${database}`;
}

/** The program with its input; options and the database follow. Nothing is written, and the user's own settings do not count. */
function sqlite3(commands: readonly string[]): string {
  const attaching = commands.filter((command) => command.startsWith('ATTACH '));
  const others = commands.filter((command) => !attaching.includes(command));
  const input = [`.timeout ${BUSY_MS}`, ...attaching, 'PRAGMA query_only = 1;', ...others].join('\n');
  return `printf '%s\\n' ${quote(input)} | sqlite3 -batch -bail -init /dev/null`;
}

/** Bytes 18 and 19 of the header are 2 in WAL mode. `path` is a word of the shell. */
function needsCompanions(path: string): string {
  return `[ ! -e ${path}-wal ] && [ "$(od -An -tu1 -j18 -N2 -- ${path} | tr -d ' ')" = 22 ]`;
}

async function attachable(connection: Connection, path: string): Promise<string> {
  const { status } = await connection.ask(`${needsCompanions(quote(path))}`);
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  // `rw` rather than nothing, which would create a missing database.
  return `file://${escaped}?mode=${status === 0 ? 'rw' : 'ro'}`;
}

/** Stored columns of each table, without those that follow from others and without SQLite's own tables. */
function columnsOf(schema: 'old' | 'new'): string {
  return `SELECT '${schema}' AS side, l.name AS "table", i.name AS "column"
    FROM pragma_table_list AS l, pragma_table_info(l.name, l.schema) AS i
    WHERE l.schema = '${schema}' AND l.type IN ('table', 'virtual') AND substr(l.name, 1, 7) <> 'sqlite_'`.replaceAll(
    /\s+/g,
    ' ',
  );
}

/** One SELECT for each table, of its name and the rows that only one side has. */
function questionsOf(columns: readonly Record<string, unknown>[]): string[] {
  const sides = { old: new Map<string, string[]>(), new: new Map<string, string[]>() };
  for (const { side, table, column } of columns) {
    const tables = side === 'new' ? sides.new : sides.old;
    tables.set(String(table), [...(tables.get(String(table)) ?? []), String(column)]);
  }
  const names = new Set([...sides.old.keys(), ...sides.new.keys()]);
  return [...names].map((table) => questionOf(table, sides.old.get(table), sides.new.get(table)));
}

function questionOf(
  table: string,
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): string {
  const label = `SELECT ${quoteText(table)} AS "table"`;
  const name = quoteName(table);
  const shared = (before ?? []).filter((column) => after?.includes(column));
  if (shared.length === 0) {
    const count = (schema: string, there: unknown) =>
      there === undefined ? '0' : `(SELECT count(*) FROM ${schema}.${name})`;
    return `${label}, ${count('new', after)} AS written, ${count('old', before)} AS gone`;
  }
  // A row of the one side counts up, its twin of the other side down; what is left has no twin. Byte by byte, because a
  // column that ignores case would hide a change of case.
  const side = (schema: string, weight: number) =>
    `SELECT ${shared.map((column, index) => `${quoteName(column)} COLLATE BINARY AS k${index}`).join(', ')}, ${weight} AS weight FROM ${schema}.${name}`;
  const keys = shared.map((_, index) => `k${index}`).join(', ');
  const balance = `SELECT sum(weight) AS surplus FROM (${side('new', 1)} UNION ALL ${side('old', -1)}) GROUP BY ${keys}`;
  return `${label}, total(max(surplus, 0)) AS written, total(max(-surplus, 0)) AS gone FROM (${balance})`;
}

function readDifference(row: Record<string, unknown>): TableDifference {
  return { table: String(row['table']), written: Number(row['written']), gone: Number(row['gone']) };
}

/** SQLite's code of a full disk, under which it is known elsewhere too. */
const SQLITE_FULL = 13;

function databaseError(host: string, path: string, stderr: string): Error {
  const said = stderr.trim().split('\n')[0] ?? '';
  const error = new Error(`the database ${path} on ${host} cannot be read: ${said}`);
  return /database or disk is full/.test(stderr) ? Object.assign(error, { errcode: SQLITE_FULL }) : error;
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A word of the program's own commands, where a backslash escapes. */
function quoteWord(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}
