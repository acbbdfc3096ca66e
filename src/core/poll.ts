/** What waiting needs. */
export interface Waiting {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
}

export interface PollOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/**
 * Asks `probe` until it answers something other than undefined, at once and then every `intervalMs`.
 * Answers undefined when `timeoutMs` have passed. Rejects with Interrupted when the signal fires.
 */
export async function pollUntil<T>(
  probe: () => Promise<T | undefined>,
  options: PollOptions,
  { clock, signal }: Waiting,
): Promise<T | undefined> {
  const deadline = clock.now() + options.timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    const left = deadline - clock.now();
    if (left <= 0) return undefined;
    await clock.sleep(Math.min(options.intervalMs, left), signal);
  }
}
