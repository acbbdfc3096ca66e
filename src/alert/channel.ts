import type { Platform } from '../platform/platform.ts';
import type { Alert } from './alert.ts';

/** What a channel says of one alert. */
export interface Delivery {
  readonly outcome: 'delivered' | 'failed';
  /** How many times it was tried. */
  readonly attempts: number;
  /** What the other side said, without addresses and secrets: `answered 204`, `no answer (ECONNREFUSED)`. */
  readonly detail: string;
  /** What to do about one that failed, in a sentence, where the channel knows. */
  readonly remedy?: string;
}

/** A way to people. The same alert may be sent twice: where the other side can fold by key, it is one message. */
export interface Channel {
  /** Failing is an answer; rejects only with Interrupted. */
  send(alert: Alert): Promise<Delivery>;
}

export type ChannelPlatform = Pick<Platform, 'clock' | 'http' | 'log' | 'random' | 'signal'>;

/** How often and how fast a channel tries again. */
export interface Patience {
  readonly retries: number;
  /** The longest wait before the first retry; it doubles with each, up to eight seconds. */
  readonly firstDelayMs: number;
  readonly timeoutMs: number;
}

export const PATIENCE: Patience = { retries: 4, firstDelayMs: 500, timeoutMs: 10_000 };
