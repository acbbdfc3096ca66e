/** A task that found no room: nothing of it has run. */
export class NoRoom extends Error {}

/**
 * Lets at most `limit` tasks run at a time; the others wait in order. A task that rejects with NoRoom makes the limit
 * smaller and runs again when another one has ended; when none runs beside it, it fails with what `alone` gives.
 */
export function createSlots(
  limit: number,
  alone: (refused: NoRoom) => Error,
): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let most = limit;
  let running = 0;
  const letIn = (): void => {
    while (running < most && waiting.length > 0) {
      running += 1;
      waiting.shift()?.();
    }
  };
  const once = async <T>(task: () => Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      letIn();
    });
    try {
      return await task();
    } catch (error) {
      if (error instanceof NoRoom) {
        if (running === 1) throw alone(error);
        most = Math.max(1, Math.min(most, running - 1));
      }
      throw error;
    } finally {
      running -= 1;
      letIn();
    }
  };
  return async (task) => {
    for (;;) {
      try {
        return await once(task);
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error;
      }
    }
  };
}
