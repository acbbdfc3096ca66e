import { createHmac } from 'node:crypto';
import pRetry from 'p-retry';
import { errorCode, errorMessage, Interrupted } from '../core/errors.ts';
import { type Alert, firstLine } from './alert.ts';
import type { Channel, ChannelPlatform, Delivery, Patience } from './channel.ts';
import type { WebhookChannel } from './settings.ts';

const LONGEST_DELAY_MS = 8000;

/**
 * One POST with JSON per alert, signed: `holdfast-signature: v1=<hex HMAC-SHA256 of "<holdfast-timestamp>.<body>">`.
 * Silence, 408, 429 and 5xx are tried again with the same `idempotency-key`; any other answer is final.
 */
export function webhookChannel(settings: WebhookChannel, platform: ChannelPlatform, patience: Patience): Channel {
  const { clock, http, signal } = platform;

  async function post(key: string, body: string): Promise<number> {
    const timestamp = String(Math.floor(clock.now() / 1000));
    const headers = {
      'content-type': 'application/json',
      'holdfast-timestamp': timestamp,
      'holdfast-signature': `v1=${sign(timestamp, body, settings.secret)}`,
      'idempotency-key': key,
    };
    const request = { method: 'POST', url: settings.url, headers, body, timeoutMs: patience.timeoutMs };
    const { status } = await http.request(request, signal);
    if (isPassing(status)) throw new Refusal(status);
    return status;
  }

  return {
    async send(alert) {
      const body = bodyOf(alert);
      let attempts = 0;
      try {
        const status = await pRetry(
          (attempt) => {
            attempts = attempt;
            return post(alert.key, body);
          },
          {
            retries: patience.retries,
            minTimeout: patience.firstDelayMs,
            maxTimeout: LONGEST_DELAY_MS,
            shouldRetry: ({ error }) => error instanceof Refusal || errorCode(error) !== undefined,
            signal,
          },
        );
        const outcome: Delivery['outcome'] = status >= 200 && status <= 299 ? 'delivered' : 'failed';
        return { outcome, attempts, detail: `answered ${status}` };
      } catch (error) {
        if (signal.aborted) throw new Interrupted();
        return { outcome: 'failed', attempts, detail: describe(error) };
      }
    },
  };
}

/** The signature that a receiver computes over what it got. */
export function sign(timestamp: string, body: string, secret: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}

/** An answer that may be another one next time. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`answered ${status}`);
    this.status = status;
  }
}

function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

function bodyOf(alert: Alert): string {
  return JSON.stringify({ schema: 1, text: firstLine(alert), ...alert });
}

/** The message of a connection's error may hold the address, and with it a token: only its code is told. */
function describe(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  const code = errorCode(error);
  return code === undefined ? errorMessage(error) : `no answer (${code})`;
}
