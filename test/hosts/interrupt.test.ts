import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { listenForInterrupts } from '../../src/hosts/interrupt.ts';

function aProcess() {
  const process = new EventEmitter();
  let nowMs = 0;
  let ends = 0;
  const signal = listenForInterrupts(
    process,
    () => {
      ends += 1;
    },
    () => nowMs,
  );
  const send = (name: string, atMs: number) => {
    nowMs = atMs;
    process.emit(name);
  };
  return { send, signal, ends: () => ends };
}

describe('listenForInterrupts', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('lets the action finish after the first %s', (name) => {
    const { send, signal, ends } = aProcess();

    send(name, 10);

    expect({ aborted: signal.aborted, ends: ends() }).toEqual({ aborted: true, ends: 0 });
  });

  it('ends at once after a second one', () => {
    const { send, ends } = aProcess();

    send('SIGINT', 0);
    send('SIGTERM', 1000);

    expect(ends()).toBe(1);
  });

  it('takes the same Ctrl-C, passed on by whoever started us, as one', () => {
    const { send, ends } = aProcess();

    send('SIGINT', 0);
    send('SIGINT', 3);

    expect(ends()).toBe(0);
  });
});
