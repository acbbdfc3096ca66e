import { describe, expect, it } from '@jest/globals';
import type { Check } from '../../src/checks/check.ts';
import { runChecks } from '../../src/checks/run.ts';
import { Interrupted } from '../../src/core/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';

function aCheck(id: string, changes: Partial<Check<unknown>> = {}): Check<unknown> {
  return {
    id,
    layer: 'application',
    collect: async () => 'seen',
    evaluate: () => [{ check: id, layer: 'application', outcome: 'pass', severity: 'info', message: 'good' }],
    ...changes,
  };
}

const running = { clock: systemClock(), signal: new AbortController().signal };

describe('runChecks', () => {
  it('answers findings in the order of the checks', async () => {
    const slow = aCheck('slow', { collect: () => new Promise((resolve) => setTimeout(resolve, 30)) });

    const findings = await runChecks([slow, aCheck('quick')], undefined, running);

    expect(findings.map(({ check }) => check)).toEqual(['slow', 'quick']);
  });

  it('makes unknown, never pass, of a check that throws, of one that answers nothing and of one that cannot judge', async () => {
    const checks = [
      aCheck('throws', { collect: () => Promise.reject(new Error('no such file')) }),
      aCheck('empty', { evaluate: () => [] }),
      aCheck('misjudges', {
        evaluate() {
          throw new Error('not a number');
        },
      }),
    ];

    const findings = await runChecks(checks, undefined, running);

    expect(findings.map(({ outcome, message }) => `${outcome}: ${message}`)).toEqual([
      'unknown: throws could not look: no such file',
      'unknown: empty could not look: it came to no answer',
      'unknown: misjudges could not look: not a number',
    ]);
  });

  it('leaves a check behind whose time is over, and tells it so', async () => {
    let told = false;
    const hangs = aCheck('hangs', {
      timeoutMs: 30,
      collect(signal) {
        signal.addEventListener('abort', () => {
          told = true;
        });
        return new Promise(() => {});
      },
    });

    const findings = await runChecks([hangs, aCheck('other')], undefined, running);

    expect(findings.map(({ outcome }) => outcome)).toEqual(['unknown', 'pass']);
    expect(findings[0]?.message).toBe('hangs could not look: it was not done within 30 ms');
    expect(told).toBe(true);
  });

  it('asks at most eight at the same time, then the lonely one by one, then the last', async () => {
    let now = 0;
    let most = 0;
    const order: string[] = [];
    const counted = (id: string, turn: 'together' | 'alone' | 'last') =>
      aCheck(id, {
        turn,
        async collect() {
          now += 1;
          if (turn === 'alone') expect(now).toBe(1);
          most = Math.max(most, now);
          await new Promise((resolve) => setTimeout(resolve, 5));
          order.push(turn);
          now -= 1;
        },
      });
    const many = Array.from({ length: 20 }, (_, index) => counted(`t${index}`, 'together'));

    await runChecks([counted('l', 'last'), counted('a', 'alone'), counted('b', 'alone'), ...many], undefined, running);

    expect(most).toBe(8);
    expect(order.slice(-3)).toEqual(['alone', 'alone', 'last']);
  });

  it('does not measure a service that does not answer, but one that answers wrongly', async () => {
    const failing = (id: string) =>
      aCheck(id, {
        evaluate: () => [{ check: id, layer: 'application', outcome: 'fail', severity: 'high', message: 'bad' }],
      });
    const latency = aCheck('latency:api', { turn: 'alone' });

    const silent = await runChecks([failing('health:api'), latency], undefined, running);
    const wrong = await runChecks([failing('custom'), latency], undefined, running);

    expect(silent.map(({ outcome }) => outcome)).toEqual(['fail', 'skipped']);
    expect(wrong.map(({ outcome }) => outcome)).toEqual(['fail', 'pass']);
  });

  it('rejects with Interrupted when the run ends', async () => {
    const interruption = new AbortController();
    const hangs = aCheck('hangs', { collect: () => new Promise(() => {}) });

    const run = runChecks([hangs], undefined, { ...running, signal: interruption.signal });
    interruption.abort();

    await expect(run).rejects.toBeInstanceOf(Interrupted);
  });
});
