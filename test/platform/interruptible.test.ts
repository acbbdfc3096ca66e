import { describe, expect, it } from '@jest/globals';
import { interruptible } from '../../src/platform/interruptible.ts';

const { signal } = new AbortController();

describe('work that cannot be told to stop', () => {
  it('gives its result, or its error, while nobody stops the run', async () => {
    await expect(interruptible(async () => 'done', signal)).resolves.toBe('done');
    await expect(interruptible(() => Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  it('is no longer waited for once the run is stopped', async () => {
    const stopping = new AbortController();
    const endless = interruptible(() => new Promise<never>(() => {}), stopping.signal);

    stopping.abort();

    await expect(endless).rejects.toMatchObject({ name: 'Interrupted' });
  });

  it('is not begun after that', async () => {
    let isBegun = false;
    const work = async () => {
      isBegun = true;
    };

    await expect(interruptible(work, AbortSignal.abort())).rejects.toMatchObject({ name: 'Interrupted' });
    expect(isBegun).toBe(false);
  });
});
