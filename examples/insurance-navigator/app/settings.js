import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/**
 * What this process was told through its environment, with defaults under which `node server.js` works alone:
 * its own folder `local`, port 8080, a password for all seeded users, a signing key that dies with the process.
 * Makes the folders for data and uploads.
 */
export function readSettings(env) {
  const shared = env.HOLDFAST_SHARED ?? join(ROOT, 'local');
  const uploads = join(shared, 'uploads');
  mkdirSync(join(shared, 'data'), { recursive: true });
  mkdirSync(uploads, { recursive: true });
  // Run by hand there is nobody who would migrate first.
  const alone = env.HOLDFAST_RELEASE === undefined;
  return {
    version: env.HOLDFAST_VERSION ?? builtVersion(),
    release: env.HOLDFAST_RELEASE ?? 'none',
    databaseFile: join(shared, 'data', 'navigator.db'),
    uploads,
    migrations: join(ROOT, 'migrations'),
    port: Number(env.PORT ?? 8080),
    // A descriptor is ours only when the one who passed it meant this very process.
    hasInheritedSocket: Number(env.LISTEN_FDS) >= 1 && Number(env.LISTEN_PID) === process.pid,
    jwtSecret: env.JWT_SECRET ?? randomBytes(32).toString('hex'),
    seedPassword: env.NAVIGATOR_PASSWORD ?? 'navigator',
    migrateOnStart: env.MIGRATE_ON_START === undefined ? alone : env.MIGRATE_ON_START === '1',
    drainMs: Number(env.DRAIN_MS ?? 10_000),
  };
}

function builtVersion() {
  try {
    return JSON.parse(readFileSync(join(ROOT, 'build.json'), 'utf8')).version;
  } catch (error) {
    if (error.code === 'ENOENT') return 'dev';
    throw error;
  }
}
