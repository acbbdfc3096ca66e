import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import { commandSource } from '../../src/sources/command.ts';
import { CommandSource } from '../../src/sources/settings.ts';
import type { Source } from '../../src/sources/source.ts';
import { sourceContract } from '../contracts/source.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

const scripts = join(process.cwd(), 'examples/postgres-command');
let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres?.stop());

let databases = 0;

sourceContract('PostgreSQL behind the example commands', async () => {
  databases += 1;
  const database = `app_${databases}`;
  await postgres.query('postgres', `CREATE DATABASE ${database}`);
  await postgres.query(
    database,
    `CREATE TABLE policies (id serial PRIMARY KEY, holder text NOT NULL, kind text);
     CREATE VIEW holders AS SELECT holder FROM policies;
     INSERT INTO policies (holder) SELECT 'holder ' || n FROM generate_series(1, 500) n`,
  );
  return {
    source: (machine) => connect(machine, database),
    look: () => look(database),
    async write() {
      await postgres.query(database, "INSERT INTO policies (holder) VALUES ('new'); DELETE FROM policies WHERE id = 1");
    },
    async migrate() {
      // A view and a table that depend on what the dump holds: what makes a restore with --clean fail.
      await postgres.query(
        database,
        `ALTER TABLE policies ADD COLUMN premium int; CREATE VIEW premiums AS SELECT id, premium FROM policies;
         CREATE TABLE claims (policy int REFERENCES policies (id)); ALTER TABLE policies DROP COLUMN kind`,
      );
    },
    async destroy() {
      await postgres.query('postgres', `DROP DATABASE ${database} WITH (FORCE)`);
    },
    async isKept(aside, seen) {
      const copy = `${database}_kept`;
      await postgres.query('postgres', `DROP DATABASE IF EXISTS ${copy}`);
      await postgres.query('postgres', `CREATE DATABASE ${copy}`);
      execFileSync(join(postgres.programs, 'pg_restore'), ['--exit-on-error', '-d', copy], {
        input: readFileSync(join(aside, 'dump')),
        env: postgres.environment,
      });
      return JSON.stringify(await look(copy)) === JSON.stringify(seen);
    },
    canBeAbsent: false,
  };
});

describe('PostgreSQL behind the example commands', () => {
  it('ends connections of others, keeps owner, settings and grants, and the failed database under its own name', async () => {
    const root = await aFolder();
    await postgres.query('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN');
    await postgres.query('postgres', 'CREATE DATABASE shop OWNER app');
    await postgres.query(
      'postgres',
      "ALTER DATABASE shop SET work_mem TO '5MB'; REVOKE CONNECT ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO reader",
    );
    await postgres.query('shop', 'CREATE TABLE t (a int); ALTER TABLE t OWNER TO app; GRANT SELECT ON t TO reader');
    const properties = () =>
      postgres.query(
        'postgres',
        `SELECT pg_get_userbyid(datdba), datacl, (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid)
         FROM pg_database d WHERE datname = 'shop'`,
      );
    const before = await properties();
    const source = connect(aMachine(root), 'shop');
    const folder = await unpackedCopy(source, root);
    await postgres.query('shop', 'INSERT INTO t VALUES (1)');
    const sleeper = postgres.query('shop', 'SELECT pg_sleep(60)').then(
      () => 'slept',
      () => 'ended',
    );
    await waitFor(
      async () =>
        (await postgres.query('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop'")) === '1',
    );

    await source.restore(folder, join(root, 'aside'));

    expect(await sleeper).toBe('ended');
    expect(await postgres.query('shop', 'SELECT count(*) FROM t')).toBe('0');
    expect(sorted(await properties())).toBe(sorted(before));
    expect(await postgres.query('shop', "SELECT has_table_privilege('reader', 't', 'SELECT')")).toBe('t');
    const failed = await postgres.query(
      'postgres',
      "SELECT datname FROM pg_database WHERE datname LIKE 'holdfast%\\_failed' ORDER BY oid DESC LIMIT 1",
    );
    expect(await postgres.query(failed, 'SELECT count(*) FROM t')).toBe('1');
  });

  it('leaves live and scratch as they were when the dump is damaged', async () => {
    const root = await aFolder();
    await postgres.query('postgres', 'CREATE DATABASE fragile');
    await postgres.query(
      'fragile',
      'CREATE TABLE t (a text); INSERT INTO t SELECT repeat(md5(n::text), 20) FROM generate_series(1, 2000) n',
    );
    const source = connect(aMachine(root), 'fragile');
    const fingerprint = await source.fingerprint();
    const folder = await unpackedCopy(source, root);
    const { files } = aMachine(root);
    const dump = join(folder, 'dump');
    await files.truncate(dump, ((await files.status(dump))?.sizeBytes ?? 0) - 2000);
    const names = () =>
      postgres.query('postgres', 'SELECT string_agg(datname, chr(10) ORDER BY datname) FROM pg_database');
    const before = await names();

    await expect(source.prove(folder, fingerprint, root)).rejects.toMatchObject({ code: 'restore-failed' });
    expect(await names()).toBe(before);
    await expect(source.restore(folder, join(root, 'aside'))).rejects.toMatchObject({ code: 'restore-failed' });

    expect(await postgres.query('fragile', 'SELECT count(*) FROM t')).toBe('2000');
  });
});

function connect(machine: Machine, database: string): Source {
  const command = (part: string) => ({ command: [join(scripts, `${part}.sh`)] });
  const settings = CommandSource.parse({
    kind: 'command',
    scratch: true,
    dump: command('dump'),
    restore: command('restore'),
    fingerprint: command('fingerprint'),
    count: command('count'),
    cleanup: command('cleanup'),
    env: { ...postgres.environment, PGDATABASE: database, PATH: `${postgres.programs}:/usr/bin:/bin` },
  });
  const signal = new AbortController().signal;
  return commandSource.connect(settings, {
    name: 'policies',
    machine,
    root: '/nowhere',
    sharedOf: () => '/nowhere',
    directory: '/',
    signal,
  });
}

async function look(database: string): Promise<unknown> {
  const tables =
    "SELECT string_agg(table_name || ':' || column_name || ':' || data_type, ' ' ORDER BY table_name, column_name) FROM information_schema.columns WHERE table_schema = 'public'";
  return {
    columns: await postgres.query(database, tables),
    rows: await postgres.query(database, "SELECT md5(string_agg(p::text, ';' ORDER BY id)) FROM policies p"),
    sequence: await postgres.query(database, 'SELECT last_value FROM policies_id_seq'),
  };
}

async function unpackedCopy(source: Source, root: string): Promise<string> {
  const folder = join(root, 'unpacked');
  const { files } = aMachine(root);
  await files.makeDirectory(folder);
  for await (const entry of (await source.dump(root)).entries) {
    if (entry.open === undefined) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of await entry.open()) chunks.push(chunk);
    await files.write(join(folder, entry.path), Buffer.concat(chunks));
  }
  return folder;
}

/** The order of grants means nothing. */
function sorted(text: string): string {
  return text
    .split(/[|,{}]/)
    .sort()
    .join(' ');
}

async function waitFor(probe: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await probe()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('waited in vain');
}
