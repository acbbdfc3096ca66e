import { appliedSchema, isCurrent, readMigrations } from './migrations.js';

/** What machines ask: is the process alive, can it work, which version is it. */
export function healthRoutes({ database, settings }) {
  const migrations = readMigrations(settings.migrations);
  return [
    { method: 'GET', path: '/healthz', open: true, run: () => ({ status: 200, json: { status: 'alive' } }) },
    { method: 'GET', path: '/readyz', open: true, run: () => readiness(database, migrations) },
    {
      method: 'GET',
      path: '/version',
      open: true,
      run: () => ({ status: 200, json: identity(database, settings) }),
    },
  ];
}

function readiness(database, migrations) {
  try {
    if (isCurrent(database, migrations)) return { status: 200, json: { status: 'ready' } };
    return { status: 503, json: { status: 'the schema is not current' } };
  } catch (error) {
    return { status: 503, json: { status: `the database does not answer: ${error.message}` } };
  }
}

/** The schema is the one of the database, not the one that this version wants; null when the database cannot say. */
function identity(database, { version, release }) {
  try {
    return { version, release, schema: appliedSchema(database) };
  } catch {
    return { version, release, schema: null };
  }
}
