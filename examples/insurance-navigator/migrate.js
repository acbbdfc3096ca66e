// The migration as a command of its own: brings the database to the schema of this version. Twice changes nothing.
import { openDatabase } from './app/database.js';
import { migrate } from './app/migrations.js';
import { readSettings } from './app/settings.js';

const settings = readSettings(process.env);
const database = openDatabase(settings.databaseFile);
try {
  const applied = await migrate(database, settings);
  for (const name of applied) console.log(`applied ${name}`);
  if (applied.length === 0) console.log('the database is up to date');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  database.close();
}
