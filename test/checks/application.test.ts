import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import type { Baseline, BaselineEntry } from '../../src/checks/baseline.ts';
import { sealBaseline } from '../../src/checks/baseline.ts';
import { planChecks } from '../../src/checks/catalogue.ts';
import type { Observed } from '../../src/checks/check.ts';
import { runChecks } from '../../src/checks/run.ts';
import type { Finding } from '../../src/core/finding.ts';
import { anObserved, aServer } from './observed.ts';

type Route = (request: IncomingMessage, response: ServerResponse) => void;

function json(value: unknown, status = 200): Route {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(value));
  };
}

async function aService(routes: Record<string, Route>): Promise<number> {
  return aServer((request, response) => {
    const route = routes[`${request.method} ${request.url}`];
    if (route !== undefined) route(request, response);
    else json({ error: 'nothing here' }, 404)(request, response);
  });
}

async function findingsOf(observed: Observed, prefix: string, baseline?: Baseline): Promise<Finding[]> {
  const checks = planChecks(observed).filter(({ id }) => id.startsWith(prefix));
  return runChecks(checks, baseline, observed);
}

function linesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ check, outcome, message }) => `${outcome} ${check}: ${message}`);
}

function aBaseline(checks: Record<string, BaselineEntry>): Baseline {
  const about = { environment: 'local', release: 'r-1', version: 'v1', recordedAt: '2026-01-01T00:00:00.000Z' };
  return sealBaseline({ schema: 1, ...about, checks });
}

describe('health', () => {
  it.each([
    { status: 204, expected: 'pass health:api: /ready of api answers 204' },
    { status: 503, expected: 'fail health:api: /ready of api answers 503' },
    { status: 302, expected: 'fail health:api: /ready of api answers 302' },
  ])('judges an answer with $status', async ({ status, expected }) => {
    const port = await aService({ 'GET /ready': (_, response) => response.writeHead(status, { location: '/' }).end() });
    const observed = await anObserved({ port, health: { path: '/ready' } });

    expect(linesOf(await findingsOf(observed, 'health:'))).toEqual([expected]);
  });

  it('fails when nothing answers', async () => {
    const [finding] = await findingsOf(await anObserved({ port: 1, health: { path: '/ready' } }), 'health:');

    expect(finding?.outcome).toBe('fail');
    expect(finding?.message).toMatch(/^\/ready of api gives no answer/);
  });
});

describe('version', () => {
  const health = { path: '/', version: { path: '/version', json: '$.build.version' } };

  it('passes when every connection reaches the live version', async () => {
    const port = await aService({ 'GET /version': json({ build: { version: 'v2' } }) });

    const findings = await findingsOf(await anObserved({ port, health }), 'version:');

    expect(linesOf(findings)).toEqual(['pass version:api: api answers with version v2']);
    expect(findings[0]?.measured).toEqual({ connections: 5, right: 5 });
  });

  it('fails when one of several connections reaches another version', async () => {
    let asked = 0;
    const port = await aService({
      'GET /version': (request, response) => {
        asked += 1;
        json({ build: { version: asked === 4 ? 'v1' : 'v2' } })(request, response);
      },
    });

    expect(linesOf(await findingsOf(await anObserved({ port, health }), 'version:'))).toEqual([
      'fail version:api: /version of api answers "v1" instead of v2',
    ]);
  });

  it('fails when no version stands where it should', async () => {
    const port = await aService({ 'GET /version': json({ sha: 'v2' }) });

    expect(linesOf(await findingsOf(await anObserved({ port, health }), 'version:'))).toEqual([
      'fail version:api: /version of api answers no version instead of v2',
    ]);
  });
});

describe('a custom check', () => {
  const routes = {
    'GET /ok': json({ status: 'fine', count: 2 }),
    'GET /broken': json({ error: 'ada@example.org' }, 500),
    'GET /moved': (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(302, { location: '/broken' }).end(),
  };
  const one = (settings: object) => ({ checks: { one: { kind: 'http', latency: false, ...settings } } });

  it.each([
    { name: 'a good answer', settings: { path: '/ok' }, expected: 'pass one: GET /ok answers 200 as expected' },
    {
      name: 'an error of the server',
      settings: { path: '/broken' },
      expected: 'fail one: the answer to GET /broken has status 500 instead of one below 400',
    },
    {
      name: 'an expected refusal',
      settings: { path: '/nowhere', expect: { status: [401, 404] } },
      expected: 'pass one: GET /nowhere answers 404 as expected',
    },
    {
      name: 'a redirect, which is not followed',
      settings: { path: '/moved', expect: { status: 302, headers: { Location: '/broken' } } },
      expected: 'pass one: GET /moved answers 302 as expected',
    },
    {
      name: 'another value, without quoting it',
      settings: { path: '/ok', expect: { json: { '$.status': 'ok', '$.count': 3, '$.more': 1 } } },
      expected:
        'fail one: the answer to GET /ok has another text at $.status instead of "ok", has 2 at $.count instead of 3, has nothing at $.more',
    },
    {
      name: 'a text that is not there',
      settings: { path: '/ok', expect: { contains: 'great' } },
      expected: 'fail one: the answer to GET /ok does not hold the text "great"',
    },
    {
      name: 'an unknown service',
      settings: { path: '/ok', service: 'worker' },
      expected: 'unknown one: one could not look: nothing of worker is live',
    },
  ])('judges $name', async ({ settings, expected }) => {
    const observed = await anObserved({ port: await aService(routes), validate: one(settings) });

    expect(linesOf(await findingsOf(observed, 'one'))).toEqual([expected]);
  });

  it('asks again when no answer comes, and judges an answer at once', async () => {
    let dropped = 0;
    let refused = 0;
    const port = await aService({
      'GET /drops': (request, response) => {
        dropped += 1;
        if (dropped < 3) request.socket.destroy();
        else json({})(request, response);
      },
      'GET /refuses': (request, response) => {
        refused += 1;
        json({}, 503)(request, response);
      },
    });
    const checks = { drops: { kind: 'http', path: '/drops' }, refuses: { kind: 'http', path: '/refuses' } };
    const observed = await anObserved({ port, validate: { checks } });

    const findings = [...(await findingsOf(observed, 'drops')), ...(await findingsOf(observed, 'refuses'))];

    expect(findings.map(({ outcome }) => outcome)).toEqual(['pass', 'fail']);
    expect([dropped, refused]).toEqual([3, 1]);
  });

  it('does not send what may have arrived a second time', async () => {
    let posted = 0;
    const port = await aService({
      'POST /orders': (request) => {
        posted += 1;
        request.socket.destroy();
      },
    });
    const observed = await anObserved({ port, validate: one({ method: 'POST', path: '/orders', body: { n: 1 } }) });

    const [finding] = await findingsOf(observed, 'one');

    expect(finding?.outcome).toBe('fail');
    expect(posted).toBe(1);
  });

  it('carries layer, severity and the path that asked for it', async () => {
    const settings = one({ path: '/broken', layer: 'security', severity: 'low' });
    const [finding] = await findingsOf(await anObserved({ port: await aService(routes), validate: settings }), 'one');

    expect(finding).toMatchObject({ layer: 'security', severity: 'low', path: 'validate.checks.one' });
  });
});

describe('logins', () => {
  const validate = {
    logins: { clerk: { path: '/login', body: { user: 'clerk' }, token: '$.auth.token' } },
    checks: {
      list: { kind: 'http', path: '/policies', as: 'clerk', latency: false },
      remove: {
        kind: 'http',
        method: 'DELETE',
        path: '/policies',
        as: 'clerk',
        layer: 'security',
        expect: { status: 403 },
      },
    },
  };

  it('logs in once and asks as somebody', async () => {
    let logins = 0;
    const port = await aService({
      'POST /login': (request, response) => {
        logins += 1;
        json({ auth: { token: 'abc' } })(request, response);
      },
      'GET /policies': (request, response) =>
        json([], request.headers.authorization === 'Bearer abc' ? 200 : 401)(request, response),
      'DELETE /policies': json({}, 403),
    });
    const observed = await anObserved({ port, validate });

    const findings = await runChecks(
      planChecks(observed).filter(({ path }) => path?.startsWith('validate.')),
      undefined,
      observed,
    );

    expect(linesOf(findings)).toEqual([
      'pass login:clerk: clerk can log in',
      'pass list: GET /policies answers 200 as expected',
      'pass remove: DELETE /policies answers 403 as expected',
    ]);
    expect(logins).toBe(1);
  });

  it('says that nobody can log in, and does not judge what could not be asked', async () => {
    const port = await aService({ 'POST /login': json({ error: 'no' }, 500) });
    const observed = await anObserved({ port, validate });

    const findings = await runChecks(
      planChecks(observed).filter(({ path }) => path?.startsWith('validate.')),
      undefined,
      observed,
    );

    expect(linesOf(findings)).toEqual([
      'fail login:clerk: clerk cannot log in: POST /login answers 500',
      'unknown list: GET /policies could not be asked: clerk cannot log in (POST /login answers 500)',
      'unknown remove: DELETE /policies could not be asked: clerk cannot log in (POST /login answers 500)',
    ]);
  });

  it('says where the token is missing', async () => {
    const port = await aService({ 'POST /login': json({ token: 'abc' }) });

    expect(linesOf(await findingsOf(await anObserved({ port, validate }), 'login:'))).toEqual([
      'fail login:clerk: clerk cannot log in: POST /login answers 200 without a token at $.auth.token',
    ]);
  });
});

describe('behaviour against the baseline', () => {
  const validate = { checks: { list: { kind: 'http', path: '/list', latency: false } } };
  const before = { status: 200, contentType: 'application/json', shape: { $: ['object'], '$.id': ['number'] } };

  it.each([
    { name: 'the same', route: json({ id: 7 }), outcome: 'pass', message: 'GET /list behaves like v1 in local' },
    {
      name: 'a missing field',
      route: json({}),
      outcome: 'fail',
      message: 'the answer to GET /list is not that of v1 in local: it lacks $.id',
    },
    {
      name: 'a new field',
      route: json({ id: 7, more: 1 }),
      outcome: 'warn',
      message: 'the answer to GET /list is not that of v1 in local: it has $.more, which is new',
    },
    {
      name: 'another status',
      route: json({ id: 7 }, 201),
      outcome: 'fail',
      message: 'the answer to GET /list is not that of v1 in local: it has status 201 instead of 200',
    },
    {
      name: 'another type',
      route: (_: IncomingMessage, response: ServerResponse) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      outcome: 'fail',
      message:
        'the answer to GET /list is not that of v1 in local: it has the type text/html instead of application/json',
    },
  ])('finds $name', async ({ route, outcome, message }) => {
    const observed = await anObserved({ port: await aService({ 'GET /list': route }), validate });

    const findings = await findingsOf(observed, 'list', aBaseline({ list: before }));

    expect(findings[1]).toMatchObject({ check: 'behaviour:list', outcome, message });
  });

  it('only warns of a status that the check allows by name', async () => {
    const checks = { list: { kind: 'http', path: '/list', latency: false, expect: { status: [200, 201] } } };
    const observed = await anObserved({ port: await aService({ 'GET /list': json({}, 201) }), validate: { checks } });

    const findings = await findingsOf(observed, 'list', aBaseline({ list: before }));

    expect(findings.map(({ outcome }) => outcome)).toEqual(['pass', 'warn']);
  });

  it('says nothing of a check that the baseline does not know', async () => {
    const observed = await anObserved({ port: await aService({ 'GET /list': json({}) }), validate });

    expect(linesOf(await findingsOf(observed, 'list', aBaseline({})))).toEqual([
      'pass list: GET /list answers 200 as expected',
    ]);
  });
});

describe('a command', () => {
  const command = (settings: object) => ({ checks: { own: { kind: 'command', ...settings } } });

  it.each([
    { argv: ['true'], expected: 'pass own: true ended with 0' },
    {
      argv: ['sh', '-c', 'echo first; echo the index is gone >&2; exit 3'],
      expected: 'fail own: sh ended with 3: the index is gone',
    },
    { argv: ['sh', '-c', 'kill -9 $$'], expected: 'fail own: sh was ended by SIGKILL' },
  ])('judges $argv', async ({ argv, expected }) => {
    const observed = await anObserved({ port: 1, validate: command({ command: argv }) });

    expect(linesOf(await findingsOf(observed, 'own'))).toEqual([expected]);
  });

  it('cannot look when the program does not exist', async () => {
    const observed = await anObserved({ port: 1, validate: command({ command: ['no-such-program-anywhere'] }) });

    expect(linesOf(await findingsOf(observed, 'own'))[0]).toMatch(
      /^unknown own: own could not look: no-such-program-anywhere could not be started/,
    );
  });

  it('fails when it is not done in time', async () => {
    const observed = await anObserved({ port: 1, validate: command({ command: ['sleep', '20'], timeout: '100ms' }) });

    expect(linesOf(await findingsOf(observed, 'own'))).toEqual(['fail own: sleep was not done within 100 ms']);
  });

  it('gets the environment of the service that it names', async () => {
    const argv = ['sh', '-c', 'test "$PORT" = 4711 && test "$HOLDFAST_VERSION" = v2'];
    const observed = await anObserved({ port: 4711, validate: command({ command: argv, service: 'api' }) });

    expect((await findingsOf(observed, 'own')).map(({ outcome }) => outcome)).toEqual(['pass']);
  });
});
