import { createHmac } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ask, aWorkshop, holdSocket, logIn, PASSWORD, type Running } from './navigator.ts';

let workshop: Awaited<ReturnType<typeof aWorkshop>>;
let v1: string;
let v2: string;

beforeAll(async () => {
  workshop = await aWorkshop();
  [v1, v2] = [await workshop.build('v1'), await workshop.build('v2')];
});
afterAll(() => workshop.clean());

describe('insurance navigator', () => {
  let server: Running;
  const tokens: Record<string, string> = {};

  beforeAll(async () => {
    server = await workshop.start(v2, 'plain');
    for (const user of ['ada', 'bela', 'cleo', 'amin']) tokens[user] = await logIn(server.url, user);
  });
  afterAll(() => server.stop());

  const as = (user: string) => ({ token: tokens[user] ?? '' });

  it('says that it is alive, ready, and which version it is', async () => {
    expect((await ask(server.url, 'GET', '/healthz')).status).toBe(200);
    expect((await ask(server.url, 'GET', '/readyz')).json).toEqual({ status: 'ready' });
    const identity = await ask(server.url, 'GET', '/version');
    expect(identity.json).toEqual({ version: 'v2', release: 'r-test', schema: 2 });
  });

  it('names its version in every answer, also in those that say no', async () => {
    const answers = [await ask(server.url, 'GET', '/nowhere'), await ask(server.url, 'GET', '/policies')];

    expect(answers.map(({ status, version }) => [status, version])).toEqual([
      [404, 'v2'],
      [401, 'v2'],
    ]);
  });

  it('logs in with the right password only, and does not tell whether a user exists', async () => {
    const right = await ask(server.url, 'POST', '/login', { body: { user: 'ada', password: PASSWORD } });
    const wrong = await ask(server.url, 'POST', '/login', { body: { user: 'ada', password: 'guess' } });
    const nobody = await ask(server.url, 'POST', '/login', { body: { user: 'nobody', password: 'guess' } });

    expect(right.json.role).toBe('customer');
    expect(wrong.status).toBe(401);
    expect([nobody.status, nobody.text]).toEqual([wrong.status, wrong.text]);
  });

  const claims = { sub: 'amin', role: 'admin', exp: 4_000_000_000 };
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    { name: 'no signature', token: `${encode({ alg: 'none' })}.${encode(claims)}.` },
    { name: 'a signature of another key', token: signed({ alg: 'HS256', typ: 'JWT' }, claims, 'another key') },
    { name: 'not a token at all', token: 'abc' },
  ])('refuses a token with $name', async ({ token }) => {
    expect((await ask(server.url, 'GET', '/policies', { token })).status).toBe(401);
  });

  function signed(header: object, body: object, key: string): string {
    const text = `${encode(header)}.${encode(body)}`;
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  }

  const policy = { holder: 'bela', product: 'travel', premium_cents: 1000 };
  it.each([
    { user: 'ada', method: 'GET', path: '/policies/p-ada-household', expected: 200 },
    { user: 'bela', method: 'GET', path: '/policies/p-ada-household', expected: 403 },
    { user: 'cleo', method: 'GET', path: '/policies/p-ada-household', expected: 200 },
    { user: 'amin', method: 'GET', path: '/policies/p-ada-household', expected: 200 },
    { user: 'bela', method: 'GET', path: '/policies/p-ada-household/documents', expected: 403 },
    { user: 'ada', method: 'POST', path: '/policies', body: policy, expected: 403 },
    { user: 'cleo', method: 'POST', path: '/policies', body: policy, expected: 201 },
    { user: 'cleo', method: 'POST', path: '/policies', body: { ...policy, premium_cents: -1 }, expected: 400 },
    { user: 'ada', method: 'PATCH', path: '/policies/p-ada-travel', body: { status: 'ended' }, expected: 403 },
    { user: 'cleo', method: 'PATCH', path: '/policies/p-ada-travel', body: { status: 'ended' }, expected: 200 },
    { user: 'ada', method: 'DELETE', path: '/policies/p-nobody', expected: 403 },
    { user: 'cleo', method: 'DELETE', path: '/policies/p-ada-travel', expected: 403 },
    { user: 'amin', method: 'DELETE', path: '/policies/p-nobody', expected: 404 },
    { user: 'amin', method: 'DELETE', path: '/policies/p-ada-travel', expected: 204 },
  ])('$method $path as $user answers $expected', async ({ user, method, path, body, expected }) => {
    const answer = await ask(server.url, method, path, { ...as(user), ...(body === undefined ? {} : { body }) });

    expect(answer.status).toBe(expected);
  });

  it('lists to customers their own policies only', async () => {
    const { json } = await ask(server.url, 'GET', '/policies', as('ada'));

    expect(json.policies.length).toBeGreaterThan(0);
    expect(new Set(json.policies.map(({ holder }: { holder: string }) => holder))).toEqual(new Set(['ada']));
  });

  it('gives a document back byte by byte, and lists it', async () => {
    const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
    const path = '/policies/p-ada-household/documents';

    const uploaded = await ask(server.url, 'POST', `${path}?name=claim.pdf`, { ...as('ada'), body: bytes });
    const listed = await ask(server.url, 'GET', path, as('ada'));
    const response = await fetch(new URL(`${path}/${uploaded.json.id}`, server.url), {
      headers: { authorization: `Bearer ${tokens['ada']}`, connection: 'close' },
    });

    expect(uploaded.status).toBe(201);
    expect(listed.json.documents).toMatchObject([{ id: uploaded.json.id, name: 'claim.pdf', size_bytes: 300_000 }]);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(await readdir(join(workshop.root, 'plain', 'uploads'))).toEqual([uploaded.json.id]);
  });
});

describe('migrations', () => {
  it('apply once, and twice changes nothing', async () => {
    const first = await workshop.migrate(v2, 'twice');
    const second = await workshop.migrate(v2, 'twice');

    expect(first).toMatchObject({ status: 0, output: 'applied 001-first-tables.sql\napplied 002-risk-class.sql\n' });
    expect(second).toMatchObject({ status: 0, output: 'the database is up to date\n' });
  });

  it('leave a server unready until they ran', async () => {
    await workshop.migrate(v1, 'behind');
    const server = await workshop.launch(v2, 'behind', { MIGRATE_ON_START: '0' });
    await answering(server);

    const before = await ask(server.url, 'GET', '/readyz');
    await workshop.migrate(v2, 'behind');
    const after = await ask(server.url, 'GET', '/readyz');

    expect([before.status, after.status]).toEqual([503, 200]);
    await server.stop();
  });

  it('keep the version before working, which shows the fields that it knows', async () => {
    await workshop.migrate(v2, 'ahead');
    const server = await workshop.start(v1, 'ahead');
    const token = await logIn(server.url, 'cleo');

    const created = await ask(server.url, 'POST', '/policies', {
      token,
      body: { holder: 'ada', product: 'pet', premium_cents: 700 },
    });

    expect(created.status).toBe(201);
    expect(Object.keys(created.json)).not.toContain('risk_class');
    expect((await ask(server.url, 'GET', '/readyz')).status).toBe(200);
    await server.stop();
  });

  it('refuse a file that is not what was applied under its name', async () => {
    await workshop.migrate(v2, 'changed');
    withDatabase('changed', (database) => database.exec("UPDATE schema_migrations SET checksum = 'other'"));

    const ended = await workshop.migrate(v2, 'changed');

    expect(ended.status).toBe(1);
    expect(ended.output).toContain('001-first-tables.sql is not what was applied');
  });
});

describe('the socket', () => {
  it('is taken from LISTEN_FDS when LISTEN_PID is its own', async () => {
    const socket = holdSocket();
    const server = await workshop.start(v2, 'passed', {}, socket);

    expect((await ask(server.url, 'GET', '/version')).status).toBe(200);
    expect((await server.stop()).output).toContain(`127.0.0.1:${socket.port} (a passed socket)`);
    socket.close();
  });

  it('is bound by itself when the descriptor was meant for another process', async () => {
    const server = await workshop.start(v2, 'bound', { LISTEN_FDS: '1', LISTEN_PID: '1' });

    expect(await server.stop()).toMatchObject({ status: 0 });
  });

  it('loses no connection while one version stops and the next has yet to start', async () => {
    const socket = holdSocket();
    const old = await workshop.start(v1, 'waiting', {}, socket);
    await old.stop();

    const waiting = ask(old.url, 'GET', '/version');
    await sleep(200);
    const next = await workshop.start(v2, 'waiting', {}, socket);

    expect((await waiting).version).toBe('v2');
    await next.stop();
    socket.close();
  });
});

describe('the drain', () => {
  it('finishes a request that is under way, says that the connection ends, and exits with 0', async () => {
    const slow = await workshop.build('slow', 'slow-endpoint');
    const server = await workshop.start(slow, 'drained');
    const token = await logIn(server.url, 'cleo');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

    const first = get(`${server.url}/policies`, agent, token);
    await sleep(150);
    const ended = server.stop();

    expect(await first).toEqual({ status: 200, connection: 'close' });
    expect((await ended).status).toBe(0);
    agent.destroy();
  });

  it('answers what still comes on a connection that was idle, and then ends it', async () => {
    const server = await workshop.start(v2, 'idle');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const before = await get(`${server.url}/version`, agent, '');

    const ended = server.stop();
    await sleep(150);
    const after = await get(`${server.url}/version`, agent, '');

    expect(before).toEqual({ status: 200, connection: 'keep-alive' });
    expect(after).toEqual({ status: 200, connection: 'close' });
    expect((await ended).status).toBe(0);
    agent.destroy();
  });

  it('does not wait for connections that stay silent', async () => {
    const server = await workshop.start(v2, 'silent');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await get(`${server.url}/version`, agent, '');

    const startedAt = performance.now();
    const { status } = await server.stop();

    expect(status).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    agent.destroy();
  });
});

describe('each fault shows itself, and nothing else', () => {
  it.each([
    { fault: 'crash-at-start', status: 1 },
    { fault: 'exit-zero-at-start', status: 0 },
    { fault: 'migrates-then-fails', status: 1 },
  ])('$fault ends with $status before it listens', async ({ fault, status }) => {
    const artifact = await workshop.build(fault, fault);
    expect((await workshop.migrate(artifact, fault)).status).toBe(0);

    const server = await workshop.launch(artifact, fault);

    expect((await server.ended).status).toBe(status);
    await expect(ask(server.url, 'GET', '/healthz')).rejects.toThrow();
  });

  it('broken-migration fails half-way, undone, and what was there before still works', async () => {
    await workshop.migrate(v2, 'broken-migration');
    const broken = await workshop.build('broken', 'broken-migration');

    const ended = await workshop.migrate(broken, 'broken-migration');

    expect(ended.status).toBe(1);
    expect(ended.output).toContain('003-broken-migration.sql failed and was undone');
    expect(columnsOf('broken-migration')).not.toContain('broker');
    const server = await workshop.start(v2, 'broken-migration');
    expect((await behaviour(server.url)).ready).toBe(200);
    await server.stop();
  });

  it('migrates-then-fails leaves a changed schema behind', async () => {
    await workshop.migrate(v2, 'left-behind');
    const artifact = await workshop.build('left', 'migrates-then-fails');

    await workshop.migrate(artifact, 'left-behind');

    expect(columnsOf('left-behind')).toContain('broker');
  });

  const good = {
    ready: 200,
    login: 200,
    list: 200,
    othersPolicy: 403,
    deleteAsCustomer: 403,
    premium: 48_000,
    isSlow: false,
  };
  it.each([
    { fault: undefined, differs: {} },
    { fault: 'never-ready', differs: { ready: 503 } },
    { fault: 'errors-on-one-endpoint', differs: { list: 500 } },
    { fault: 'slow-endpoint', differs: { isSlow: true } },
    { fault: 'wrong-role-check', differs: { othersPolicy: 200, deleteAsCustomer: 404 } },
    { fault: 'nobody-can-log-in', differs: { login: 401 } },
    { fault: 'destroys-column', differs: { premium: undefined } },
  ])('$fault: $differs', async ({ fault, differs }) => {
    const name = `shown-${fault ?? 'none'}`;
    await workshop.migrate(v2, name);
    const artifact = await workshop.build(name, fault);
    const server = await workshop.start(artifact, name);

    expect(await behaviour(server.url)).toEqual({ ...good, ...differs });
    expect((await server.stop()).status).toBe(0);
  });

  it('destroys-column changes schema, rows and files', async () => {
    const before = await workshop.start(v2, 'destroyed');
    const token = await logIn(before.url, 'ada');
    await ask(before.url, 'POST', '/policies/p-ada-household/documents', { token, body: 'a claim' });
    await before.stop();
    const artifact = await workshop.build('destroyer', 'destroys-column');

    await workshop.migrate(artifact, 'destroyed');

    expect(columnsOf('destroyed')).not.toContain('premium_cents');
    expect(
      withDatabase('destroyed', (database) => database.prepare('SELECT DISTINCT holder FROM policies').all()),
    ).toEqual([expect.objectContaining({ holder: 'unknown' })]);
    expect(await readdir(join(workshop.root, 'destroyed', 'uploads'))).toEqual([]);
  });
});

/** What users and probes see of a version; tokens are signed here, so that nothing depends on the login. */
async function behaviour(url: string) {
  const token = (sub: string, role: string) => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub, role, exp: 4_000_000_000 })}`;
    const key = 'a signing key for tests only, long enough';
    return { token: `${text}.${createHmac('sha256', key).update(text).digest('base64url')}` };
  };
  const login = await ask(url, 'POST', '/login', { body: { user: 'ada', password: PASSWORD } });
  const startedAt = performance.now();
  const list = await ask(url, 'GET', '/policies', token('cleo', 'clerk'));
  const isSlow = performance.now() - startedAt >= 400;
  const household = await ask(url, 'GET', '/policies/p-ada-household', token('cleo', 'clerk'));
  return {
    ready: (await ask(url, 'GET', '/readyz')).status,
    login: login.status,
    list: list.status,
    othersPolicy: (await ask(url, 'GET', '/policies/p-bela-liability', token('ada', 'customer'))).status,
    deleteAsCustomer: (await ask(url, 'DELETE', '/policies/p-nobody', token('ada', 'customer'))).status,
    premium: household.json.premium_cents,
    isSlow,
  };
}

function get(url: string, agent: http.Agent, token: string): Promise<{ status: unknown; connection: unknown }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
        response.resume().on('end', () => {
          resolve({ status: response.statusCode, connection: response.headers.connection });
        });
      })
      .on('error', reject);
  });
}

async function answering(server: Running): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await ask(server.url, 'GET', '/healthz').catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(30);
  }
  throw new Error('the server does not answer');
}

function columnsOf(data: string): unknown[] {
  return withDatabase(data, (database) => database.prepare("SELECT name FROM pragma_table_info('policies')").all()).map(
    ({ name }) => name,
  );
}

function withDatabase<T>(data: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(workshop.root, data, 'data', 'navigator.db'));
  try {
    return work(database);
  } finally {
    database.close();
  }
}
