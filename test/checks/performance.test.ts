import { describe, expect, it } from '@jest/globals';
import { type Baseline, sealBaseline } from '../../src/checks/baseline.ts';
import { planChecks } from '../../src/checks/catalogue.ts';
import { quantile } from '../../src/checks/performance.ts';
import { runChecks } from '../../src/checks/run.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { HttpResponse } from '../../src/platform/http.ts';
import { TransportError } from '../../src/platform/http.ts';
import { aMachine } from '../support/machine.ts';
import { anObserved, aServer, checkOf } from './observed.ts';

const validate = {
  checks: { list: { kind: 'http', path: '/list' } },
  performance: { samples: 10, slower: 2, floor: '50ms', limit: '1s' },
};

function aBaseline(p50Ms: number): Baseline {
  const about = { environment: 'local', release: 'r-1', version: 'v1', recordedAt: '2026-01-01T00:00:00.000Z' };
  return sealBaseline({ schema: 1, ...about, checks: { list: { latency: { p50Ms, p95Ms: p50Ms, n: 10 } } } });
}

/** A service whose n-th answer takes as long as the list says; a text is the code of a broken connection. */
async function latencyOf(answers: readonly (number | string)[], baseline?: Baseline): Promise<string> {
  let asked = 0;
  const request = async (): Promise<HttpResponse> => {
    const next = answers[asked % answers.length] ?? 0;
    asked += 1;
    if (typeof next === 'string') throw new TransportError(next, 'no answer', undefined);
    return { status: 200, headers: {}, body: '{}', durationMs: next };
  };
  const machine = aMachine('/tmp', { http: { request, openSession: () => ({ close() {} }) } });
  const clock = { ...systemClock(), sleep: async () => {} };
  const observed = await anObserved({ port: 1, validate }, { machine, clock });
  const check = checkOf(planChecks(observed), 'latency:list');
  const [finding] = await runChecks([check], baseline, observed);
  return `${finding?.outcome}: ${finding?.message}`;
}

describe('latency', () => {
  it.each([
    {
      name: 'as fast as before',
      answers: [20],
      before: 20,
      expected: 'pass: list takes 20 ms at the median, compared with 20 ms of v1 in local',
    },
    {
      name: 'three times, but below the floor',
      answers: [30],
      before: 10,
      expected: 'pass: list takes 30 ms at the median, compared with 10 ms of v1 in local',
    },
    {
      name: 'above the floor, but not twice',
      answers: [290],
      before: 200,
      expected: 'pass: list takes 290 ms at the median, compared with 200 ms of v1 in local',
    },
    {
      name: 'three times and above the floor',
      answers: [300],
      before: 100,
      expected: 'fail: list takes 300 ms at the median, more than 2 times the 100 ms of v1 in local',
    },
    {
      name: 'two outliers',
      answers: [20, 20, 20, 20, 900],
      before: 20,
      expected: 'pass: list takes 20 ms at the median, compared with 20 ms of v1 in local',
    },
    {
      name: 'above the limit',
      answers: [1200],
      before: 1200,
      expected: 'fail: list takes 1.2 s at the median, more than the limit of 1.0 s',
    },
    {
      name: 'no answer in time',
      answers: ['ETIMEDOUT'],
      before: 20,
      expected: 'fail: list takes 2.0 s at the median, more than the limit of 1.0 s',
    },
    {
      name: 'too few good answers',
      answers: ['ECONNRESET', 'ECONNRESET', 20],
      before: 20,
      expected: 'unknown: the response time of list is not known: 3 of 10 answers were good',
    },
  ])('judges $name', async ({ answers, before, expected }) => {
    expect(await latencyOf(answers, aBaseline(before))).toBe(expected);
  });

  it('says that without a baseline only the limit counts', async () => {
    expect(await latencyOf([300])).toBe(
      'pass: list takes 300 ms at the median; there is no baseline, so only the limit of 1.0 s was applied',
    );
  });

  it('asks again when the machine was busy for a moment, and lets the faster round count', async () => {
    const busyThenIdle = [...Array(11).fill(400), ...Array(11).fill(20)];

    expect(await latencyOf(busyThenIdle, aBaseline(20))).toBe(
      'pass: list takes 20 ms at the median, compared with 20 ms of v1 in local',
    );
  });

  it('asks one request after the other over one connection', async () => {
    let open = 0;
    let most = 0;
    const sockets = new Set<unknown>();
    const port = await aServer((incoming, response) => {
      sockets.add(incoming.socket);
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.end();
      }, 5);
    });
    const observed = await anObserved({ port, validate });

    const [finding] = await runChecks([checkOf(planChecks(observed), 'latency:list')], undefined, observed);

    expect(finding).toMatchObject({ outcome: 'pass', layer: 'performance', measured: { samples: 10 } });
    expect([most, sockets.size]).toEqual([1, 1]);
  });

  it('is not asked of requests that may change something', async () => {
    const checks = {
      order: { kind: 'http', method: 'POST', path: '/orders' },
      quiet: { kind: 'http', path: '/', latency: false },
    };
    const observed = await anObserved({ port: 1, validate: { checks } });

    expect(planChecks(observed).filter(({ layer }) => layer === 'performance')).toEqual([]);
  });
});

describe('quantile', () => {
  it.each([
    { values: [5], share: 0.5, expected: 5 },
    { values: [1, 2, 3, 4], share: 0.5, expected: 2.5 },
    { values: [0, 10, 20, 30, 40], share: 0.95, expected: 38 },
  ])('of $values at $share is $expected', ({ values, share, expected }) => {
    expect(quantile(values, share)).toBe(expected);
  });
});
