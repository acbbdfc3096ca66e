import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { receiptFindings, routeOf, sendAlert } from '../../src/alert/send.ts';
import { AlertSettings } from '../../src/alert/settings.ts';
import { sign } from '../../src/alert/webhook.ts';
import { Interrupted } from '../../src/core/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { aServer } from '../checks/observed.ts';
import { ALERT } from './alerts.ts';

const SECRET = 'a-key-of-sixteen-or-more';
const PATIENCE = { retries: 3, firstDelayMs: 10, timeoutMs: 300 };

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A receiver that treats the n-th request as the n-th behaviour says, and all later ones as the last does. */
async function aReceiver(...behaviours: (number | 'drop' | 'hang')[]) {
  const received: Received[] = [];
  const port = await aServer((request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const behaviour = behaviours[Math.min(received.length, behaviours.length - 1)];
      received.push({ headers: request.headers, body });
      if (behaviour === 'drop') request.socket.destroy();
      else if (behaviour !== 'hang') response.writeHead(behaviour ?? 200).end();
    });
  });
  return { received, channel: { kind: 'webhook', url: `http://127.0.0.1:${port}/hook?token=t0p`, secret: SECRET } };
}

function aPlatform(said: string[] = []) {
  const log = { ...silentLog(), warn: (text: string) => said.push(text), info: (text: string) => said.push(text) };
  return {
    clock: systemClock(),
    http: systemHttp(),
    log,
    random: systemRandom(),
    signal: new AbortController().signal,
  };
}

function send(settings: object, said?: string[]) {
  return sendAlert(ALERT, AlertSettings.parse(settings), aPlatform(said), PATIENCE);
}

describe('the webhook', () => {
  it('sends one signed POST that says the important things first', async () => {
    const { received, channel } = await aReceiver(204);

    const receipts = await send({ channels: { ops: channel }, routes: [{ send: ['ops'] }] });

    expect(receipts).toMatchObject([{ channel: 'ops', outcome: 'delivered', attempts: 1, detail: 'answered 204' }]);
    expect(received).toHaveLength(1);
    const { headers, body } = received[0] ?? { headers: {}, body: '' };
    expect(headers['content-type']).toBe('application/json');
    expect(headers['idempotency-key']).toBe(ALERT.key);
    expect(headers['holdfast-timestamp']).toMatch(/^\d{10}$/);
    expect(headers['holdfast-signature']).toBe(`v1=${sign(String(headers['holdfast-timestamp']), body, SECRET)}`);
    expect(JSON.parse(body)).toMatchObject({
      schema: 1,
      text: 'shop production v3 failed and was rolled back; v2 is live; whoever released it corrects it',
      severity: 'high',
      details: ['v3 failed'],
    });
  });

  it('has the address of a page that tells more, where there is one', async () => {
    const { received, channel } = await aReceiver(204);
    const settings = AlertSettings.parse({ channels: { ops: channel }, routes: [{ send: ['ops'] }] });
    const url = 'https://github.com/acme/shop/actions/runs/1';

    await sendAlert({ ...ALERT, url }, settings, aPlatform(), PATIENCE);

    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ url });
  });

  it('has the signature that any HMAC-SHA256 gives', () => {
    // printf '1750000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
    expect(sign('1750000000', '{"a":1}', '0123456789abcdef')).toBe(
      'aa58696dd1ffda82345efcb2bcbfc7af6083276c4a92b2ca1b6a992e99c63450',
    );
  });

  it.each([
    { name: 'a dropped connection', behaviours: ['drop', 'drop', 200] as const, attempts: 3 },
    { name: 'an error of the receiver', behaviours: [500, 503, 200] as const, attempts: 3 },
    { name: 'a limit', behaviours: [429, 202] as const, attempts: 2 },
    { name: 'no answer in time', behaviours: ['hang', 200] as const, attempts: 2 },
  ])('tries again after $name, with the same key', async ({ behaviours, attempts }) => {
    const { received, channel } = await aReceiver(...behaviours);

    const receipts = await send({ channels: { ops: channel }, routes: [{ send: ['ops'] }] });

    expect(receipts).toMatchObject([{ outcome: 'delivered', attempts }]);
    expect(new Set(received.map(({ headers }) => headers['idempotency-key']))).toEqual(new Set([ALERT.key]));
  });

  it.each([
    { name: 'a refusal, at once', behaviours: [400] as const, attempts: 1, detail: 'answered 400' },
    { name: 'a redirect, at once', behaviours: [302] as const, attempts: 1, detail: 'answered 302' },
    { name: 'errors that stay', behaviours: [500] as const, attempts: 4, detail: 'answered 500' },
    { name: 'silence that stays', behaviours: ['drop'] as const, attempts: 4, detail: 'no answer (ECONNRESET)' },
  ])('gives up after $name', async ({ behaviours, attempts, detail }) => {
    const { received, channel } = await aReceiver(...behaviours);

    const receipts = await send({ channels: { ops: channel }, routes: [{ send: ['ops'] }] });

    expect(receipts).toMatchObject([{ outcome: 'failed', attempts, detail }]);
    expect(received).toHaveLength(attempts);
    expect(JSON.stringify(receipts)).not.toContain('t0p');
  });

  it('ends when the run ends', async () => {
    const { channel } = await aReceiver('hang');
    const interruption = new AbortController();
    const settings = AlertSettings.parse({ channels: { ops: channel }, routes: [{ send: ['ops'] }] });

    const sending = sendAlert(ALERT, settings, { ...aPlatform(), signal: interruption.signal }, PATIENCE);
    setTimeout(() => interruption.abort(), 30);

    await expect(sending).rejects.toBeInstanceOf(Interrupted);
  });
});

describe('routes', () => {
  const routes = AlertSettings.parse({
    routes: [
      { when: { severity: 'critical' }, send: ['page'] },
      { when: { severity: ['high', 'medium'] }, send: ['ops'] },
      { send: ['all'] },
      { when: { severity: 'info' }, send: ['never'] },
    ],
  }).routes;

  it.each([
    { severity: 'critical', expected: ['page'] },
    { severity: 'medium', expected: ['ops'] },
    { severity: 'info', expected: ['all'] },
  ] as const)('takes the first that matches $severity', ({ severity, expected }) => {
    expect(routeOf(severity, routes)?.send).toEqual(expected);
  });

  it('sends nothing where none matches', async () => {
    const { received, channel } = await aReceiver(200);
    const routed = [{ when: { severity: 'critical' }, send: ['ops'] }];

    expect(await send({ channels: { ops: channel }, routes: routed })).toEqual([]);
    expect(received).toEqual([]);
  });

  it('sends to all channels of the route, and falls over to another one when one fails', async () => {
    const broken = await aReceiver(400);
    const good = await aReceiver(200);
    const spare = await aReceiver(200);
    const channels = { broken: broken.channel, good: good.channel, spare: spare.channel };

    const receipts = await send({ channels, routes: [{ send: ['broken', 'good'], on_failure: 'spare' }] });

    expect(receipts.map(({ channel, outcome, insteadOf }) => [channel, outcome, insteadOf])).toEqual([
      ['broken', 'failed', undefined],
      ['good', 'delivered', undefined],
      ['spare', 'delivered', ['broken']],
    ]);
    expect(receiptFindings(receipts).map(({ outcome, message }) => `${outcome}: ${message}`)).toEqual([
      'warn: the alert did not arrive over broken: answered 400',
      'pass: the alert was sent over good (answered 200)',
      'pass: the alert was sent over spare instead of broken (answered 200)',
    ]);
  });

  it('does not bother the other channel when all is well', async () => {
    const spare = await aReceiver(200);
    const said: string[] = [];
    const channels = { screen: { kind: 'terminal' }, spare: spare.channel };

    await send({ channels, routes: [{ send: ['screen'], on_failure: 'spare' }] }, said);

    expect(spare.received).toEqual([]);
    expect(said).toEqual([
      'shop production v3 failed and was rolled back; v2 is live; whoever released it corrects it',
    ]);
  });

  it('says so when a channel is not there', async () => {
    expect(await send({ routes: [{ send: ['nowhere'] }] })).toMatchObject([
      { channel: 'nowhere', outcome: 'failed', detail: 'alerts.channels has no nowhere' },
    ]);
  });
});
