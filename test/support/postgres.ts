import { execFile } from 'node:child_process';
import { access, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Postgres {
  /** Folder of the programs, for PATH. */
  readonly programs: string;
  /** PGHOST, PGPORT and PGUSER. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs statements in a database and answers what psql prints, without decoration. */
  query(database: string, sql: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL on a free port of the loopback address. Throws, and so fails the test, when it is not
 * installed: a test of a restore says nothing without the thing that is restored.
 */
export async function startPostgres(): Promise<Postgres> {
  const programs = await findPrograms();
  const isRoot = userInfo().uid === 0;
  // The server refuses to run as root.
  const asServer = (program: string, args: string[]) =>
    isRoot
      ? run('runuser', ['-u', 'postgres', '--', join(programs, program), ...args], { cwd: '/' })
      : run(join(programs, program), args);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'));
  if (isRoot) {
    const ids = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])));
    const [uid, gid] = ids.map(({ stdout }) => Number(stdout));
    await chown(folder, uid ?? 0, gid ?? 0);
  }
  const data = join(folder, 'data');
  await asServer('initdb', ['-D', data, '-U', 'tester', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']);
  const port = String(await freePort());
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`;
  await asServer('pg_ctl', ['-D', data, '-w', '-l', join(folder, 'log'), '-o', options, 'start']);
  const environment = { PGHOST: '127.0.0.1', PGPORT: port, PGUSER: 'tester' };
  return {
    programs,
    environment,
    async query(database, sql) {
      const args = ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', sql];
      const { stdout } = await run(join(programs, 'psql'), args, { env: { ...environment, PATH: programs } });
      return stdout.trim();
    },
    async stop() {
      await asServer('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function findPrograms(): Promise<string> {
  const versions = (await readdir('/usr/lib/postgresql').catch(() => [])).sort((a, b) => Number(b) - Number(a));
  for (const folder of [...versions.map((version) => `/usr/lib/postgresql/${version}/bin`), '/usr/local/pgsql/bin']) {
    const isThere = await access(join(folder, 'initdb')).then(
      () => true,
      () => false,
    );
    if (isThere) return folder;
  }
  throw new Error(
    'this test needs a PostgreSQL server: install the package "postgresql" (on Debian: apt-get install postgresql)',
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject()));
    });
  });
}
