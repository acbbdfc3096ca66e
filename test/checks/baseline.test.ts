import { describe, expect, it } from '@jest/globals';
import {
  Baseline,
  type BaselineEntry,
  compareBaselines,
  isBaselineIntact,
  sealBaseline,
} from '../../src/checks/baseline.ts';
import { planChecks } from '../../src/checks/catalogue.ts';
import { recordBaseline } from '../../src/checks/record-baseline.ts';
import { runChecks } from '../../src/checks/run.ts';
import { anObserved, aServer } from './observed.ts';

const TOKEN = 'eyJhbGciOi.token.of-the-clerk';
const SECRETS = { API_KEY: 'k3y_named_like_a_field' };

async function aLiveShop() {
  const port = await aServer((request, response) => {
    response.setHeader('content-type', 'application/json; charset=utf-8');
    if (request.url === '/login') response.end(JSON.stringify({ token: TOKEN }));
    else if (request.url === '/customers') {
      const body = { 'ada@example.org': { born: '1815-12-10', note: 'diabetes' }, total: 1 };
      response.end(JSON.stringify(request.headers.authorization === `Bearer ${TOKEN}` ? body : {}));
    } else if (request.url === '/leaky') response.end(JSON.stringify({ [SECRETS.API_KEY]: 1 }));
    else if (request.url === '/broken') response.writeHead(500).end();
    else response.end('{"ok":true}');
  });
  const validate = {
    logins: { clerk: { path: '/login', token: '$.token' } },
    checks: {
      customers: { kind: 'http', path: '/customers', as: 'clerk' },
      leaky: { kind: 'http', path: '/leaky', latency: false },
      broken: { kind: 'http', path: '/broken' },
    },
    performance: { samples: 6 },
  };
  return anObserved({ port, health: { path: '/health' }, validate, secretValues: SECRETS });
}

const subject = { environment: 'local', release: 'r-1', version: 'v1', secretValues: SECRETS };

describe('recordBaseline', () => {
  it('keeps status, type, structure and response times of what is right', async () => {
    const observed = await aLiveShop();

    const baseline = await recordBaseline(planChecks(observed), subject, observed);

    expect(Baseline.parse(JSON.parse(JSON.stringify(baseline)))).toEqual(baseline);
    expect(Object.keys(baseline.checks)).toEqual(['customers', 'health:api', 'leaky']);
    expect(baseline.checks['customers']).toEqual({
      status: 200,
      contentType: 'application/json',
      shape: {
        $: ['object'],
        '$.*': ['object'],
        '$.*.born': ['string'],
        '$.*.note': ['string'],
        '$.total': ['number'],
      },
      latency: { p50Ms: expect.any(Number), p95Ms: expect.any(Number), n: 6 },
    });
  });

  it('holds no token, no value of an answer, no key that is data and no secret', async () => {
    const observed = await aLiveShop();

    const text = JSON.stringify(await recordBaseline(planChecks(observed), subject, observed));

    for (const secret of [TOKEN, 'ada@', '1815', 'diabetes', SECRETS.API_KEY]) expect(text).not.toContain(secret);
  });

  it('is what a later validation of the same service passes', async () => {
    const observed = await aLiveShop();
    const baseline = await recordBaseline(planChecks(observed), subject, observed);

    const findings = await runChecks(planChecks(observed), baseline, observed);

    expect(findings.find(({ check }) => check === 'behaviour:customers')?.outcome).toBe('pass');
    expect(findings.find(({ check }) => check === 'latency:customers')?.message).toContain('compared with');
  });
});

describe('isBaselineIntact', () => {
  it('notices any change', () => {
    const baseline = aBaseline({ list: { status: 200 } });

    expect(isBaselineIntact(baseline)).toBe(true);
    expect(isBaselineIntact({ ...baseline, checks: { list: { status: 500 } } })).toBe(false);
  });
});

describe('compareBaselines', () => {
  it('says what is different, check by check', () => {
    const before = aBaseline({
      gone: { status: 200 },
      list: { status: 200, contentType: 'application/json', shape: { $: ['object'], '$.id': ['number'] } },
      slow: { latency: { p50Ms: 10, p95Ms: 12, n: 20 } },
      same: { status: 200, latency: { p50Ms: 10, p95Ms: 12, n: 20 } },
    });
    const after = aBaseline({
      list: { status: 201, contentType: 'text/html', shape: { $: ['object'], '$.name': ['string'] } },
      fresh: { status: 200 },
      slow: { latency: { p50Ms: 40, p95Ms: 50, n: 20 } },
      same: { status: 200, latency: { p50Ms: 10.4, p95Ms: 20, n: 20 } },
    });

    expect(compareBaselines(before, after).map(({ check, text }) => `${check} ${text}`)).toEqual([
      'fresh is new',
      'gone is gone',
      'list answers 201, was 200',
      'list has the type text/html, was application/json',
      'list lacks $.id',
      'list has $.name, which is new',
      'slow takes 40 ms at the median, was 10 ms',
    ]);
    expect(compareBaselines(before, before)).toEqual([]);
  });
});

function aBaseline(checks: Record<string, BaselineEntry>): Baseline {
  const recordedAt = '2026-01-01T00:00:00.000Z';
  return sealBaseline({ schema: 1, environment: 'local', release: 'r-1', version: 'v1', recordedAt, checks });
}
