import { isCurrent, readMigrations, schemaOf } from './migrations.js';

/** What machines ask: is the process alive, can it work, which version is it. */
export function healthRoutes({ database, settings }) {
  const migrations = readMigrations(settings.migrations);
  const schema = schemaOf(migrations);
  return [
    { method: 'GET', path: '/healthz', open: true, run: () => ({ status: 200, json: { status: 'alive' } }) },
    { method: 'GET', path: '/readyz', open: true, run: () => readiness(database, migrations) },
    {
      method: 'GET',
      path: '/version',
      open: true,
      run: () => ({ status: 200, json: { version: settings.version, release: settings.release, schema } }),
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
