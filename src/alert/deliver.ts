import pRetry from 'p-retry';
import { errorCode, Interrupted } from '../core/errors.ts';
import type { HttpRequest, HttpResponse } from '../platform/http.ts';
import type { Random } from '../platform/random.ts';
import type { ChannelPlatform, Delivery, Patience } from './channel.ts';

/** All attempts and the waiting between them. The run has ended by then, and its job waits for its alert. */
const LONGEST_MS = 90_000;
const LONGEST_DELAY_MS = 8000;
/** More than an answer has to say. */
const READ_BYTES = 64 * 1024;

/** What an answer means. `again`: another one may come next time. `detail` holds no address and no secret. */
export interface Judgement extends Pick<Delivery, 'detail' | 'remedy'> {
  readonly outcome: Delivery['outcome'] | 'again';
}

export interface Post {
  /** Called for each attempt. */
  compose(): Pick<HttpRequest, 'url' | 'headers' | 'body'>;
  judge(answer: HttpResponse): Judgement;
}

/**
 * Posts until an answer is final, retries are used up, or 90 seconds are over. Silence is always tried again. Waits as
 * long as `retry-after` asks, as far as the time allows, or else at random up to a delay that doubles. Follows no
 * redirect. Failing is an answer; rejects only with Interrupted.
 */
export async function deliver(post: Post, platform: ChannelPlatform, patience: Patience): Promise<Delivery> {
  const { clock, random, signal } = platform;
  const deadline = clock.now() + LONGEST_MS;
  let attempts = 0;
  const attempt = async (): Promise<Delivery> => {
    attempts += 1;
    const { outcome, ...said } = await ask(post, platform, patience.timeoutMs);
    if (outcome === 'again') throw new Refusal(said);
    return { outcome, attempts, ...said };
  };
  try {
    return await pRetry(attempt, {
      retries: patience.retries,
      minTimeout: 0,
      async shouldRetry({ error }) {
        // What is left when the next attempt takes all of its time.
        const leftMs = deadline - clock.now() - patience.timeoutMs;
        if (!(error instanceof Refusal) || leftMs <= 0) return false;
        const longest = Math.min(LONGEST_DELAY_MS, patience.firstDelayMs * 2 ** (attempts - 1));
        const waitMs = Math.max(error.said.waitMs ?? 0, longest * chance(random));
        await clock.sleep(Math.min(leftMs, waitMs), signal);
        return true;
      },
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    if (!(error instanceof Refusal)) throw error;
    const { waitMs: _, ...said } = error.said;
    return { outcome: 'failed', attempts, ...said };
  }
}

/** True for a status that may be another one next time. */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

interface Said extends Omit<Judgement, 'outcome'> {
  /** How long the other side asked to wait. */
  readonly waitMs?: number;
}

/** An attempt that may go better next time. */
class Refusal extends Error {
  readonly said: Said;

  constructor(said: Said) {
    super(said.detail);
    this.said = said;
  }
}

async function ask(
  { compose, judge }: Post,
  { clock, http, signal }: ChannelPlatform,
  timeoutMs: number,
): Promise<Said & Judgement> {
  const request: HttpRequest = { ...compose(), method: 'POST', timeoutMs, readBytes: READ_BYTES };
  let answer: HttpResponse;
  try {
    answer = await http.request(request, signal);
  } catch (error) {
    // The message of such an error may hold the address, and with it a token: only its code is told.
    return { outcome: 'again', detail: `no answer (${errorCode(error) ?? 'EUNKNOWN'})` };
  }
  const waitMs = retryAfterMs(answer.headers['retry-after'], clock.now());
  return { ...judge(answer), ...(waitMs === undefined ? {} : { waitMs }) };
}

/** `Retry-After` is a number of seconds or a date. */
function retryAfterMs(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const waitMs = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

/** From 0 to 1. */
function chance(random: Random): number {
  return Number.parseInt(random.hex(4), 16) / 0xffff_ffff;
}
