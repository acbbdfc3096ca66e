import { createHmac } from 'node:crypto';
import { type Alert, firstLine } from './alert.ts';
import type { Channel, ChannelPlatform, Patience } from './channel.ts';
import { deliver, isPassing } from './deliver.ts';
import type { WebhookChannel } from './settings.ts';

/**
 * One POST with JSON per alert, signed: `holdfast-signature: v1=<hex HMAC-SHA256 of "<holdfast-timestamp>.<body>">`.
 * Silence, 408, 429 and 5xx are tried again with the same `idempotency-key`; any other answer is final.
 */
export function webhookChannel(
  { url, secret }: WebhookChannel,
  platform: ChannelPlatform,
  patience: Patience,
): Channel {
  return {
    async send(alert) {
      const body = bodyOf(alert);
      const compose = () => {
        const timestamp = String(Math.floor(platform.clock.now() / 1000));
        const headers = {
          'content-type': 'application/json',
          'holdfast-timestamp': timestamp,
          'holdfast-signature': `v1=${sign(timestamp, body, secret)}`,
          'idempotency-key': alert.key,
        };
        return { url, headers, body };
      };
      return deliver({ compose, judge: ({ status }) => judge(status) }, platform, patience);
    },
  };
}

/** The signature that a receiver computes over what it got. */
export function sign(timestamp: string, body: string, secret: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}

function judge(status: number) {
  const isTaken = status >= 200 && status <= 299;
  const outcome = isPassing(status) ? 'again' : isTaken ? 'delivered' : 'failed';
  return { outcome, detail: `answered ${status}` } as const;
}

function bodyOf(alert: Alert): string {
  return JSON.stringify({ schema: 1, text: firstLine(alert), ...alert });
}
