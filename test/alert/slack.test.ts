import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChannelPlatform } from '../../src/alert/channel.ts';
import { lastResort } from '../../src/alert/last-resort.ts';
import { receiptFindings, sendAlert } from '../../src/alert/send.ts';
import { AlertSettings } from '../../src/alert/settings.ts';
import { Severity } from '../../src/core/finding.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { aServer } from '../checks/observed.ts';
import { type Github, startGithub } from '../support/github/server.ts';
import { ALERT } from './alerts.ts';
import { SlackPayload } from './block-kit.ts';

/** The part of the address that makes it a secret. */
const TOKEN = 'sentinelsecrettoken';
const PATIENCE = { retries: 3, firstDelayMs: 10, timeoutMs: 2000 };
const LATER = expect.stringContaining('See whether Slack is down');
const BUG = expect.stringContaining('report this as a bug of Holdfast');
const GONE = expect.stringContaining('make a new webhook');
const OTHER = expect.stringContaining('not an incoming webhook of Slack');

let slack: Github;
let said: string[];
let waits: number[];

beforeEach(async () => {
  slack = await startGithub();
  said = [];
  waits = [];
});

afterEach(async () => {
  await slack.close();
});

/** Real requests; waiting takes no time. */
function aPlatform(): ChannelPlatform {
  let now = Date.parse(ALERT.at);
  const tell = (text: string) => said.push(text);
  return {
    clock: {
      now: () => now,
      async sleep(ms) {
        waits.push(ms);
        now += ms;
      },
      every: () => () => undefined,
    },
    http: systemHttp(),
    log: { ...silentLog(), info: tell, warn: tell, debug: tell },
    random: systemRandom(),
    signal: new AbortController().signal,
  };
}

const settingsOf = (webhook: string) =>
  AlertSettings.parse({ channels: { ops: { kind: 'slack', webhook } }, routes: [{ send: ['ops'] }] });

/** What became of an alert, held to what may be told of it. */
async function send(webhook: string) {
  const receipts = await sendAlert(ALERT, settingsOf(webhook), aPlatform(), PATIENCE);
  for (const told of [JSON.stringify([receipts, receiptFindings(receipts)]), ...said]) {
    expect(told).not.toContain(TOKEN);
    expect(told).not.toContain('127.0.0.1');
  }
  const [receipt] = receipts;
  if (receipt === undefined) throw new Error('nothing was sent');
  return receipt;
}

async function aHook(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await aServer(listener)}/services/T0/B0/${TOKEN}`;
}

describe('a message to Slack', () => {
  it('is one POST that Slack takes', async () => {
    const receipt = await send(slack.hookUrl(TOKEN));

    expect(receipt).toMatchObject({ channel: 'ops', outcome: 'delivered', attempts: 1, detail: 'answered 200' });
    expect(receipt).not.toHaveProperty('remedy');
    expect(slack.hooks.received).toHaveLength(1);
    expect(slack.hooks.received).toMatchObject([
      { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' } },
    ]);
    const message = SlackPayload.parse(JSON.parse(slack.hooks.received[0]?.text ?? ''));
    expect(message.text).toContain('shop production v3 failed and was rolled back');
  });

  it.each([
    { status: 200, body: 'ok\n', outcome: 'delivered', detail: 'answered 200' },
    { status: 200, body: 'invalid_token', outcome: 'failed', detail: 'answered 200 invalid_token', remedy: OTHER },
    { status: 200, body: '', outcome: 'failed', detail: 'answered 200, but not "ok"', remedy: OTHER },
    {
      status: 200,
      body: '<html>Log in</html>',
      outcome: 'failed',
      detail: 'answered 200, but not "ok"',
      remedy: OTHER,
    },
    { status: 201, body: 'ok', outcome: 'failed', detail: 'answered 201', remedy: OTHER },
    { status: 400, body: 'invalid_payload', outcome: 'failed', detail: 'answered 400 invalid_payload', remedy: BUG },
    { status: 400, body: 'user_not_found', outcome: 'failed', detail: 'answered 400 user_not_found', remedy: GONE },
    { status: 413, body: '', outcome: 'failed', detail: 'answered 413', remedy: BUG },
    {
      status: 403,
      body: 'action_prohibited',
      outcome: 'failed',
      detail: 'answered 403 action_prohibited',
      remedy: GONE,
    },
    { status: 404, body: 'no_service', outcome: 'failed', detail: 'answered 404 no_service', remedy: GONE },
    {
      status: 410,
      body: 'channel_is_archived',
      outcome: 'failed',
      detail: 'answered 410 channel_is_archived',
      remedy: GONE,
    },
    { status: 405, body: '', outcome: 'failed', detail: 'answered 405', remedy: OTHER },
    // Neither a page that repeats the address nor a piece of it is repeated.
    { status: 404, body: `Cannot POST /hooks/${TOKEN}`, outcome: 'failed', detail: 'answered 404', remedy: GONE },
    { status: 404, body: TOKEN, outcome: 'failed', detail: 'answered 404', remedy: GONE },
    { status: 404, body: TOKEN.slice(3, 12), outcome: 'failed', detail: 'answered 404', remedy: GONE },
    { status: 404, body: `no_${'x'.repeat(60)}`, outcome: 'failed', detail: 'answered 404', remedy: GONE },
  ])('that is answered $status "$body" is $outcome, at once', async ({ status, body, outcome, detail, remedy }) => {
    slack.hooks.answer(TOKEN, [{ status, text: body }]);

    const receipt = await send(slack.hookUrl(TOKEN));

    expect(receipt).toMatchObject({ outcome, attempts: 1, detail, ...(remedy === undefined ? {} : { remedy }) });
    expect(slack.hooks.received).toHaveLength(1);
  });

  it.each([
    { name: 'an error', answer: { status: 500, text: 'rollup_error' } },
    { name: 'a timeout', answer: { status: 408, text: '' } },
    { name: 'a limit', answer: { status: 429, text: '' } },
  ])('is tried again after $name', async ({ answer }) => {
    slack.hooks.answer(TOKEN, [answer, answer]);

    expect(await send(slack.hookUrl(TOKEN))).toMatchObject({ outcome: 'delivered', attempts: 3 });
    expect(new Set(slack.hooks.received.map(({ text }) => text)).size).toBe(1);
  });

  it.each([
    { name: 'seconds', retryAfter: '30' },
    { name: 'a date', retryAfter: 'Thu, 01 Jan 2026 00:00:30 GMT' },
  ])('waits as long as Slack asks, in $name', async ({ retryAfter }) => {
    slack.hooks.answer(TOKEN, [{ status: 429, text: '', headers: { 'retry-after': retryAfter } }]);

    expect(await send(slack.hookUrl(TOKEN))).toMatchObject({ outcome: 'delivered', attempts: 2 });
    expect(waits).toEqual([30_000]);
  });

  it('is given up when errors stay', async () => {
    slack.hooks.answer(TOKEN, Array(9).fill({ status: 500, text: 'rollup_error' }));

    expect(await send(slack.hookUrl(TOKEN))).toMatchObject({
      outcome: 'failed',
      attempts: 4,
      detail: 'answered 500 rollup_error',
      remedy: LATER,
    });
  });

  it('is given up when nobody answers', async () => {
    const webhook = slack.hookUrl(TOKEN);
    await slack.close();

    expect(await send(webhook)).toMatchObject({ attempts: 4, detail: 'no answer (ECONNREFUSED)', remedy: LATER });
  });

  it('follows no redirect', async () => {
    const elsewhere = slack.hookUrl('elsewhere');
    const webhook = await aHook((_, response) => response.writeHead(307, { location: elsewhere }).end());

    expect(await send(webhook)).toMatchObject({
      outcome: 'failed',
      attempts: 1,
      detail: 'answered 307',
      remedy: OTHER,
    });
    expect(slack.hooks.received).toEqual([]);
  });

  it('is failed by an answer of many MB, of which little is read', async () => {
    let sentBytes = 0;
    const webhook = await aHook((request, response) => {
      request.resume();
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && sentBytes < 512 * 1024 * 1024) {
          sentBytes += 64 * 1024;
          if (!response.write('o'.repeat(64 * 1024))) return void response.once('drain', more);
        }
      };
      more();
    });

    expect(await send(webhook)).toMatchObject({ outcome: 'failed', attempts: 1, detail: 'answered 200, but not "ok"' });
    expect(sentBytes).toBeLessThan(16 * 1024 * 1024);
  });
});

describe('the address of a webhook', () => {
  const accepts = (webhook: string) =>
    AlertSettings.safeParse({ channels: { ops: { kind: 'slack', webhook } } }).success;

  it.each([
    'https://hooks.slack.com/services/T0/B0/x',
    'http://127.0.0.1:8080/x',
    'http://localhost/x',
    'http://[::1]:80/x',
  ])('may be %s', (webhook) => {
    expect(accepts(webhook)).toBe(true);
  });

  it.each([
    'http://hooks.slack.com/services/T0/B0/x',
    'http://127.0.0.1.example.org/x',
    'http://localhost.example.org/x',
    'ftp://127.0.0.1/x',
    'hooks.slack.com/services/T0/B0/x',
    '',
  ])('may not be "%s"', (webhook) => {
    expect(accepts(webhook)).toBe(false);
  });
});

describe('the last resort', () => {
  it.each(Severity.options)('gets an alert that is %s', async (severity) => {
    const settings = lastResort(slack.hookUrl(TOKEN));

    const receipts = await sendAlert({ ...ALERT, severity }, settings, aPlatform(), PATIENCE);

    expect(receipts).toMatchObject([{ channel: 'last-resort', outcome: 'delivered' }]);
    expect(slack.hooks.received).toHaveLength(1);
  });

  it('is none without an address, which is not told', () => {
    const wrong = `http://example.org/${TOKEN}`;
    const attempt = () => lastResort(wrong);

    expect(attempt).toThrow(expect.objectContaining({ code: 'bad-webhook' }));
    expect(attempt).toThrow(expect.not.objectContaining({ message: expect.stringContaining(TOKEN) }));
  });
});
