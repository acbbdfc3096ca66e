import { describe, expect, it } from '@jest/globals';
import { deliver, isPassing, type Post } from '../../src/alert/deliver.ts';
import { Interrupted } from '../../src/core/errors.ts';
import type { Http, HttpRequest } from '../../src/platform/http.ts';
import { TransportError } from '../../src/platform/http.ts';
import { silentLog } from '../../src/platform/log.ts';

const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const PATIENCE = { retries: 4, firstDelayMs: 500, timeoutMs: 10_000 };
const POST: Post = {
  compose: () => ({ url: 'https://alerts.example.org/s3cret', headers: { 'x-a': 'b' }, body: '{}' }),
  judge: ({ status }) => ({
    outcome: isPassing(status) ? 'again' : status === 200 ? 'delivered' : 'failed',
    detail: `answered ${status}`,
  }),
};

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  /** How long the other side takes. */
  readonly takesMs?: number;
}

/** Answers in turn, and the last one from then on. Time passes only where somebody waits; chance is always `hex`. */
function anOutside(answers: readonly (Answer | 'silence')[], hex = 'ffffffff') {
  const outside = { now: NOW, waits: [] as number[], requests: [] as HttpRequest[] };
  const run = new AbortController();
  const http: Pick<Http, 'request'> = {
    async request(request) {
      const answer = answers[Math.min(outside.requests.length, answers.length - 1)] ?? 'silence';
      outside.requests.push(request);
      if (answer === 'silence') {
        outside.now += request.timeoutMs;
        throw new TransportError('ETIMEDOUT', `nothing from ${request.url}`, undefined);
      }
      outside.now += answer.takesMs ?? 0;
      return { status: answer.status, headers: answer.headers ?? {}, body: '', durationMs: answer.takesMs ?? 0 };
    },
  };
  const clock = {
    now: () => outside.now,
    async sleep(ms: number) {
      if (run.signal.aborted) throw new Interrupted();
      outside.waits.push(ms);
      outside.now += ms;
    },
    every: () => () => undefined,
  };
  const platform = {
    clock,
    http: { ...http, openSession: () => ({ close: () => undefined }) },
    log: silentLog(),
    random: { hex: () => hex },
    signal: run.signal,
  };
  return { outside, run, send: (patience = PATIENCE, post = POST) => deliver(post, platform, patience) };
}

describe('delivering', () => {
  it('posts once when the answer is final', async () => {
    const { outside, send } = anOutside([{ status: 200 }]);

    expect(await send()).toEqual({ outcome: 'delivered', attempts: 1, detail: 'answered 200' });
    expect(outside.requests).toEqual([
      {
        method: 'POST',
        url: 'https://alerts.example.org/s3cret',
        headers: { 'x-a': 'b' },
        body: '{}',
        timeoutMs: 10_000,
        readBytes: 64 * 1024,
      },
    ]);
  });

  it.each([
    { name: 'at most the doubled delay', hex: 'ffffffff', waits: [500, 1000, 2000, 4000] },
    { name: 'at random below it', hex: '80000000', waits: [250, 500, 1000, 2000] },
    { name: 'perhaps not at all', hex: '00000000', waits: [0, 0, 0, 0] },
  ])('waits $name between attempts', async ({ hex, waits }) => {
    const { outside, send } = anOutside([{ status: 503 }], hex);

    expect(await send()).toEqual({ outcome: 'failed', attempts: 5, detail: 'answered 503' });
    expect(outside.waits.map(Math.round)).toEqual(waits);
  });

  it('never waits longer than eight seconds of its own accord', async () => {
    const { outside, send } = anOutside([{ status: 500 }]);

    await send({ ...PATIENCE, retries: 8 });

    expect(Math.max(...outside.waits)).toBe(8000);
  });

  it.each([
    { name: 'seconds', text: '30', waits: [30_000] },
    { name: 'a date', text: 'Thu, 01 Jan 2026 00:00:20 GMT', waits: [20_000] },
    { name: 'nothing', text: '0', waits: [500] },
    { name: 'a time that is over', text: 'Thu, 01 Jan 2015 00:00:00 GMT', waits: [500] },
    { name: 'what cannot be read', text: 'soon', waits: [500] },
    { name: 'an hour: what is left of 90 seconds', text: '3600', waits: [80_000] },
    { name: 'more than a number holds', text: '9'.repeat(400), waits: [80_000] },
  ])('waits as the other side asks: $name', async ({ text, waits }) => {
    const { outside, send } = anOutside([{ status: 429, headers: { 'retry-after': text } }, { status: 200 }]);

    expect(await send()).toMatchObject({ outcome: 'delivered', attempts: 2 });
    expect(outside.waits).toEqual(waits);
  });

  it.each([
    { name: 'asks for an hour each time', answers: [{ status: 429, headers: { 'retry-after': '3600' } }] },
    {
      name: 'asks for 25 seconds each time',
      answers: [{ status: 429, takesMs: 9000, headers: { 'retry-after': '25' } }],
    },
    { name: 'is silent', answers: ['silence' as const] },
  ])('is over within 90 seconds when the other side $name', async ({ answers }) => {
    const { outside, send } = anOutside(answers);

    expect(await send({ ...PATIENCE, retries: 100 })).toMatchObject({ outcome: 'failed' });
    expect(outside.now - NOW).toBeLessThanOrEqual(90_000);
    expect(outside.requests.length).toBeGreaterThan(1);
  });

  it('tells of silence by its code alone, because its message may hold the address', async () => {
    const { send } = anOutside(['silence']);

    expect(await send({ ...PATIENCE, retries: 1 })).toEqual({
      outcome: 'failed',
      attempts: 2,
      detail: 'no answer (ETIMEDOUT)',
    });
  });

  it('composes each attempt anew', async () => {
    const { outside, send } = anOutside([{ status: 500 }, { status: 200 }]);
    let composed = 0;

    await send(PATIENCE, {
      ...POST,
      compose: () => {
        composed += 1;
        return { url: 'https://alerts.example.org/', body: String(composed) };
      },
    });

    expect(outside.requests.map(({ body }) => body)).toEqual(['1', '2']);
  });

  it('ends with Interrupted when the run ends before the next attempt', async () => {
    const { run, send } = anOutside([{ status: 500 }]);

    const sending = send();
    run.abort();

    await expect(sending).rejects.toBeInstanceOf(Interrupted);
  });
});
