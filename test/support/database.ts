import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Schema, version, journal mode and every row of a database: what a user could see of it. Undefined when there is none. */
export function lookAtDatabase(path: string): Record<string, unknown> | undefined {
  if (!existsSync(path)) return undefined;
  const database = new DatabaseSync(path);
  try {
    const schema = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
    const tables = schema.filter((each) => each['type'] === 'table').map((each) => String(each['name']));
    return {
      schema: schema.map((each) => ({ ...each })),
      version: { ...database.prepare('PRAGMA user_version').get() },
      journal: { ...database.prepare('PRAGMA journal_mode').get() },
      rows: Object.fromEntries(
        tables.map((table) => [
          table,
          database
            .prepare(`SELECT * FROM "${table}" ORDER BY 1`)
            .all()
            .map((row) => ({ ...row })),
        ]),
      ),
    };
  } finally {
    database.close();
  }
}

/** Opens, changes and closes a database. */
export function changeDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}
