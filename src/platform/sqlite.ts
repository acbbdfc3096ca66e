/** SQLite databases as files of this computer, through Node's own engine. */
export interface Sqlite {
  /** A consistent copy of a database that may be in use (online backup API). `to` must not exist. */
  backup(from: string, to: string): Promise<void>;
  /** Rows of a read-only query; the database is not created. */
  query(path: string, sql: string): Promise<Record<string, unknown>[]>;
  /** Rows by which two databases differ, table by table, over the columns that both have. Neither is changed. */
  countDifferences(before: string, after: string): Promise<TableDifference[]>;
}

export interface TableDifference {
  readonly table: string;
  /** Rows in `after` that `before` does not have (new or changed). */
  readonly written: number;
  /** Rows in `before` that `after` does not have (changed or deleted). */
  readonly gone: number;
}

export function systemSqlite(): Sqlite {
  // Loaded on use: Node still calls the module experimental and says so on load.
  const engine = () => import('node:sqlite');
  return {
    async backup(from, to) {
      const { DatabaseSync, backup } = await engine();
      const source = new DatabaseSync(from, { readOnly: true, timeout: 10_000 });
      try {
        await backup(source, to);
      } finally {
        source.close();
      }
    },
    async query(path, sql) {
      const { DatabaseSync } = await engine();
      const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
      try {
        return database.prepare(sql).all();
      } finally {
        database.close();
      }
    },
    async countDifferences(before, after) {
      const { DatabaseSync } = await engine();
      const database = new DatabaseSync(':memory:', { timeout: 10_000 });
      try {
        database.exec(`ATTACH ${quoteText(`file:${encodeURI(before)}?mode=ro`)} AS old`);
        database.exec(`ATTACH ${quoteText(`file:${encodeURI(after)}?mode=ro`)} AS new`);
        const columnsOf = (schema: string) => {
          const tables = new Map<string, string[]>();
          const rows = database
            .prepare(
              `SELECT m.name AS "table", c.name AS "column" FROM ${schema}.sqlite_schema m
               JOIN pragma_table_info(m.name, '${schema}') c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`,
            )
            .all();
          for (const row of rows) {
            const table = String(row['table']);
            tables.set(table, [...(tables.get(table) ?? []), String(row['column'])]);
          }
          return tables;
        };
        const oldTables = columnsOf('old');
        const newTables = columnsOf('new');
        const count = (sql: string) => Number(database.prepare(sql).get()?.['n'] ?? 0);
        const differences: TableDifference[] = [];
        for (const table of new Set([...oldTables.keys(), ...newTables.keys()])) {
          const name = quoteName(table);
          const shared = (oldTables.get(table) ?? []).filter((column) => newTables.get(table)?.includes(column));
          if (shared.length === 0) {
            differences.push({
              table,
              written: newTables.has(table) ? count(`SELECT count(*) AS n FROM new.${name}`) : 0,
              gone: oldTables.has(table) ? count(`SELECT count(*) AS n FROM old.${name}`) : 0,
            });
            continue;
          }
          const columns = shared.map(quoteName).join(', ');
          const minus = (a: string, b: string) =>
            count(
              `SELECT count(*) AS n FROM (SELECT ${columns} FROM ${a}.${name} EXCEPT SELECT ${columns} FROM ${b}.${name})`,
            );
          differences.push({ table, written: minus('new', 'old'), gone: minus('old', 'new') });
        }
        return differences.filter(({ written, gone }) => written > 0 || gone > 0);
      } finally {
        database.close();
      }
    },
  };
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
