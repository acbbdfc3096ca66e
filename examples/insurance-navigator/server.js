// The service: migrates when it is told to, listens, and drains when it is asked to stop.
import http from 'node:http';
import { createApplication } from './app/application.js';
import { openDatabase } from './app/database.js';
import { drainOnSignal } from './app/drain.js';
import fault from './app/fault.js';
import { listen } from './app/listen.js';
import { migrate } from './app/migrations.js';
import { readSettings } from './app/settings.js';

const settings = readSettings(process.env);
const database = openDatabase(settings.databaseFile);
if (settings.migrateOnStart) await migrate(database, settings);
await fault.atStart?.();

const server = http.createServer(createApplication({ database, settings }));
drainOnSignal(server, {
  graceMs: settings.drainMs,
  onDrained() {
    database.close();
    process.exit(0);
  },
});
const address = await listen(server, settings);
console.log(`insurance-navigator ${settings.version} listens on ${address}`);
