import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTransaction } from './database.js';
import fault from './fault.js';
import { seed } from './seed.js';

/**
 * Applies what is missing, each migration in one transaction, and seeds an empty database.
 * Answers the names of those applied. Throws when one fails (it is undone, the earlier ones stay) or when a file
 * differs from what was applied under its name. Migrations that a newer version applied are left alone.
 */
export async function migrate(database, settings) {
  database.exec(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
       name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL
     ) STRICT`,
  );
  const applied = [];
  for (const migration of readMigrations(settings.migrations)) {
    if (inTransaction(database, () => applyOnce(database, migration))) applied.push(migration.name);
  }
  await seed(database, settings.seedPassword);
  if (applied.length > 0) fault.afterMigration?.(settings);
  return applied;
}

/** The schema that a version was written for: the number of its last migration. */
export function schemaOf(migrations) {
  return migrations.at(-1)?.number ?? 0;
}

/** The number of the last migration in the database, whichever version applied it; throws when it cannot answer. */
export function appliedSchema(database) {
  const last = database.prepare('SELECT max(name) AS name FROM schema_migrations').get();
  return last?.name ? Number.parseInt(last.name, 10) : 0;
}

/** True when each of these migrations is in the database, unchanged; throws when the database cannot answer. */
export function isCurrent(database, migrations) {
  const recorded = new Map(
    database
      .prepare('SELECT name, checksum FROM schema_migrations')
      .all()
      .map(({ name, checksum }) => [name, checksum]),
  );
  return migrations.every(({ name, checksum }) => recorded.get(name) === checksum);
}

/** The migrations of this version, in order. */
export function readMigrations(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => {
    const sql = readFileSync(join(folder, name), 'utf8');
    return { name, number: Number.parseInt(name, 10), sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

function applyOnce(database, { name, sql, checksum }) {
  const recorded = database.prepare('SELECT checksum FROM schema_migrations WHERE name = ?').get(name);
  if (recorded?.checksum === checksum) return false;
  if (recorded !== undefined) {
    throw new Error(`migration ${name} is not what was applied under this name; write a new one instead`);
  }
  try {
    database.exec(sql);
  } catch (error) {
    throw new Error(`migration ${name} failed and was undone: ${error.message}`, { cause: error });
  }
  database
    .prepare('INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (?, ?, ?)')
    .run(name, checksum, new Date().toISOString());
  return true;
}
