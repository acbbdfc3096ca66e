/** What somebody sent to an address of the outside world, such as a Slack webhook. */
export interface Received {
  /** The last part of the address, chosen by the test. */
  readonly name: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface HookAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Addresses that take everything and remember it. */
export interface Hooks {
  /** In the order of arrival, those that were answered with an error too. */
  readonly received: Received[];
  /** The next requests to an address get these answers, in turn; from then on it is well again. */
  answer(name: string, answers: readonly HookAnswer[]): void;
  take(received: Received): HookAnswer;
}

/** As Slack answers what it has taken. */
const TAKEN: HookAnswer = { status: 200, text: 'ok' };

export function createHooks(): Hooks {
  const next = new Map<string, HookAnswer[]>();
  const received: Received[] = [];
  return {
    received,
    answer(name, answers) {
      next.set(name, [...answers]);
    },
    take(request) {
      received.push(request);
      return next.get(request.name)?.shift() ?? TAKEN;
    },
  };
}
