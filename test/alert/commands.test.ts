import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { alertRoute, alertTest } from '../../src/alert/commands.ts';
import { AlertSettings } from '../../src/alert/settings.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Severity } from '../../src/core/finding.ts';
import { silentLog } from '../../src/platform/log.ts';
import { aServer } from '../checks/observed.ts';
import { startGithub } from '../support/github/server.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

const SECRET = 'a-key-of-sixteen-or-more';
let shop: Shop;

beforeEach(async () => {
  shop = await aShop();
});

afterEach(async () => {
  await shop.close();
});

function withAlerts(alerts: object): Configuration {
  return { ...shop.configuration('v1'), alerts: AlertSettings.parse(alerts) };
}

/** A receiver that answers this status and keeps what it got. */
async function aHook(status: number) {
  const received: unknown[] = [];
  const port = await aServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    response.writeHead(status).end();
  });
  return { received, channel: { kind: 'webhook', url: `http://127.0.0.1:${port}/hook`, secret: SECRET } };
}

function listening(said: string[]) {
  return aPlatform({ log: { ...silentLog(), info: (text) => said.push(text), warn: (text) => said.push(text) } });
}

const test = (settings: Configuration, channel?: string, said: string[] = []) =>
  alertTest.run({ inputs: { channel }, settings }, listening(said));

describe('alert test', () => {
  it('sends over every channel, says that it is a test, and shows what came back', async () => {
    const hook = await aHook(204);
    const said: string[] = [];
    const settings = withAlerts({ channels: { ops: hook.channel, here: { kind: 'terminal' } } });

    const report = await test(settings, undefined, said);

    expect(report).toMatchObject({ decision: 'proceed', reason: 'delivered' });
    expect(report.findings.map(({ check, outcome }) => [check, outcome])).toEqual([
      ['alert:ops', 'pass'],
      ['alert:here', 'pass'],
    ]);
    expect(hook.received).toEqual([expect.objectContaining({ reason: 'test', severity: 'info', project: 'shop' })]);
    expect(said).toEqual([expect.stringContaining('shop local sends a test of its alerts')]);
  });

  it('sends over the named channel alone, and is a new event each time', async () => {
    const ops = await aHook(200);
    const other = await aHook(200);
    const settings = withAlerts({ channels: { ops: ops.channel, other: other.channel } });

    await test(settings, 'ops');
    await test(settings, 'ops');

    const keys = ops.received.map((body) => JSON.stringify(body)).map((text) => /"key":"([^"]+)"/.exec(text)?.[1]);
    expect(new Set(keys).size).toBe(2);
    expect(other.received).toEqual([]);
  });

  it('stops when a channel fails, and tells nothing of its address', async () => {
    const hook = await aHook(403);

    const report = await test(withAlerts({ channels: { ops: hook.channel, here: { kind: 'terminal' } } }));

    expect(report).toMatchObject({ decision: 'stop', reason: 'not-delivered' });
    expect(report.summary).toBe('the test alert did not arrive over ops');
    expect(JSON.stringify(report)).not.toContain('127.0.0.1');
    expect(JSON.stringify(report)).not.toContain(SECRET);
  });

  it('sends a message to Slack, and says what to do when Slack does not want it', async () => {
    const slack = await startGithub();
    const settings = withAlerts({ channels: { ops: { kind: 'slack', webhook: slack.hookUrl('t0ken') } } });

    const good = await test(settings);
    slack.hooks.answer('t0ken', [{ status: 404, text: 'no_service' }]);
    const bad = await test(settings);
    await slack.close();

    expect(good).toMatchObject({ decision: 'proceed', reason: 'delivered' });
    expect(slack.hooks.received[0]?.text).toContain('shop local sends a test of its alerts');
    expect(bad.findings).toMatchObject([
      {
        check: 'alert:ops',
        outcome: 'warn',
        message: 'the alert did not arrive over ops: answered 404 no_service',
        remedy:
          'Tell people yourself. The webhook was revoked, or its channel is gone: make a new webhook, and put its address into the secret.',
      },
    ]);
    expect(JSON.stringify([good, bad])).not.toMatch(/t0ken|127\.0\.0\.1/);
  });

  it('stops without channels, and refuses one that there is not', async () => {
    const none = await test(withAlerts({}));

    expect(none).toMatchObject({ decision: 'stop', reason: 'no-channels' });
    await expect(test(withAlerts({ channels: { here: { kind: 'terminal' } } }), 'ops')).rejects.toMatchObject({
      code: 'no-such-channel',
      hint: 'It has here.',
    });
  });
});

describe('alert route', () => {
  const alerts = {
    channels: { ops: { kind: 'terminal' }, mail: { kind: 'terminal' }, page: { kind: 'terminal' } },
    routes: [
      { when: { severity: 'critical' }, send: ['page', 'ops'], on_failure: 'mail' },
      { when: { severity: ['high', 'medium'] }, send: ['ops'] },
    ],
  };

  it.each<{ severity: Severity; reason: string; summary: string; rows: string[][] }>([
    {
      severity: 'critical',
      reason: 'routed',
      summary: 'critical is sent over page, ops, over mail when one of them fails (route 1 of 2)',
      rows: [
        ['page', 'terminal', 'always'],
        ['ops', 'terminal', 'always'],
        ['mail', 'terminal', 'when another fails'],
      ],
    },
    {
      severity: 'medium',
      reason: 'routed',
      summary: 'medium is sent over ops (route 2 of 2)',
      rows: [['ops', 'terminal', 'always']],
    },
    {
      severity: 'low',
      reason: 'no-route',
      summary: 'no route of local matches low: nobody would hear of it',
      rows: [],
    },
  ])('tells who hears of $severity, and sends nothing', async ({ severity, reason, summary, rows }) => {
    const said: string[] = [];

    const report = await alertRoute.run({ inputs: { severity }, settings: withAlerts(alerts) }, listening(said));

    expect(report).toMatchObject({ decision: 'proceed', reason, summary });
    const shown = alertRoute.present?.(report) ?? [];
    expect(shown.flatMap((block) => (block.kind === 'table' ? block.rows : []))).toEqual(rows);
    expect(said).toEqual([]);
  });
});
