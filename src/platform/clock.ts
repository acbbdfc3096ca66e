import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted } from '../core/errors.ts';

/** Time. Tests pass one that advances by itself. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Resolves after `ms`; rejects with Interrupted when the signal fires first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls `task` every `ms` until the returned function is called. Does not keep the process alive. */
  every(ms: number, task: () => void): () => void;
}

export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    async sleep(ms, signal) {
      if (signal.aborted) throw new Interrupted();
      await sleep(ms, undefined, { signal }).catch(() => {
        throw new Interrupted();
      });
    },
    every(ms, task) {
      const timer = setInterval(task, ms);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
