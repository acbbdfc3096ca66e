import { DatabaseSync } from 'node:sqlite';

/** Opens (and creates) the database. A writer waits up to 5 s for another one, so that two versions may overlap. */
export function openDatabase(file) {
  const database = new DatabaseSync(file, { timeout: 5000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
  return database;
}

/** Runs `work` in one write transaction and answers what it answers; whatever it throws undoes all of it. */
export function inTransaction(database, work) {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // Some errors end the transaction by themselves.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
