import { Interrupted } from '../core/errors.ts';

/**
 * The result of work that cannot be told to stop. Rejects with Interrupted as soon as the signal fires: the work then goes
 * on unseen, or is not begun.
 */
export async function interruptible<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new Interrupted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new Interrupted());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
