import type { EventEmitter } from 'node:events';

/**
 * One Ctrl-C can arrive twice: the terminal sends it to the whole process group, and the program that started us
 * (`npm`, the starter of bin/) passes it on as well. Nobody presses it twice within this time.
 */
const SAME_REQUEST_MS = 250;

/**
 * The first SIGINT, SIGTERM or SIGHUP fires the returned signal, so that the action can finish or undo what it began;
 * one that comes later calls `endNow`.
 */
export function listenForInterrupts(
  process: Pick<EventEmitter, 'on'>,
  endNow: () => void,
  now: () => number,
): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => {
      if (firstAt === undefined) {
        firstAt = now();
        controller.abort();
      } else if (now() - firstAt >= SAME_REQUEST_MS) {
        endNow();
      }
    });
  }
  return controller.signal;
}
