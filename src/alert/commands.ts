import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action, Block } from '../core/action.ts';
import { UserError } from '../core/errors.ts';
import { Severity } from '../core/finding.ts';
import { composeReport } from '../core/report.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';
import type { Alert } from './alert.ts';
import { receiptFindings, routeOf, sendAlert } from './send.ts';

const testInputs = z.strictObject({
  channel: z.string().optional().meta({ description: 'A name of alerts.channels; all of them by default' }),
});
const routeInputs = z.strictObject({ severity: Severity.meta({ description: 'How bad what happened is' }) });

/** Sends a test alert over channels, whatever the routes say, and shows what came back. */
export const alertTest: Action<typeof testInputs, Configuration, Platform> = {
  name: 'alert test',
  summary: 'send a test alert over every channel, or one, and show what came back',
  group: 'One step',
  settings: 'configuration',
  inputs: testInputs,
  examples: ['alert test', 'alert test --channel ops'],
  reasons: ['delivered', 'not-delivered', 'no-channels'],
  async run({ inputs: { channel }, settings }, platform) {
    const startedAt = platform.clock.now();
    const names = chooseChannels(channel, settings);
    const close = (parts: Parameters<typeof composeReport>[3]) =>
      composeReport('alert test', subjectOf(settings), { startedAt, finishedAt: platform.clock.now() }, parts);
    if (names.length === 0) {
      const summary = `${settings.environment} has no channels: nobody hears of a release that fails`;
      return close({ decision: 'stop', reason: 'no-channels', summary });
    }
    const routes = [{ when: {}, send: names }];
    const receipts = await sendAlert(
      testAlert(settings, startedAt, platform),
      { ...settings.alerts, routes },
      platform,
    );
    const failed = receipts.filter(({ outcome }) => outcome === 'failed');
    return close({
      decision: failed.length === 0 ? 'proceed' : 'stop',
      reason: failed.length === 0 ? 'delivered' : 'not-delivered',
      summary:
        failed.length === 0
          ? `a test alert was sent over ${names.join(', ')}`
          : `the test alert did not arrive over ${failed.map((each) => each.channel).join(', ')}`,
      findings: receiptFindings(receipts),
      record: { receipts },
    });
  },
};

/** Which channels an alert of this severity would be sent over. Sends nothing. */
export const alertRoute: Action<typeof routeInputs, Configuration, Pick<Platform, 'clock'>> = {
  name: 'alert route',
  summary: 'which channels an alert of a severity would be sent over; sends nothing',
  group: 'One step',
  settings: 'configuration',
  inputs: routeInputs,
  examples: ['alert route --severity critical'],
  reasons: ['routed', 'no-route'],
  async run({ inputs: { severity }, settings }, { clock }) {
    const startedAt = clock.now();
    const { channels, routes } = settings.alerts;
    const route = routeOf(severity, routes);
    const send = route === undefined ? [] : [...new Set(route.send)];
    const fallback = route?.on_failure;
    const then = fallback === undefined ? '' : `, over ${fallback} when one of them fails`;
    const number = route === undefined ? 0 : routes.indexOf(route) + 1;
    return composeReport(
      'alert route',
      subjectOf(settings),
      { startedAt, finishedAt: clock.now() },
      {
        reason: route === undefined ? 'no-route' : 'routed',
        summary:
          route === undefined
            ? `no route of ${settings.environment} matches ${severity}: nobody would hear of it`
            : `${severity} is sent over ${send.join(', ')}${then} (route ${number} of ${routes.length})`,
        record: {
          channels: [...send, ...(fallback === undefined || send.includes(fallback) ? [] : [fallback])].map((name) => ({
            channel: name,
            kind: channels[name]?.kind ?? 'none',
            when: send.includes(name) ? 'always' : 'when another fails',
          })),
        },
      },
    );
  },
  present(report): readonly Block[] {
    const channels = z
      .array(z.strictObject({ channel: z.string(), kind: z.string(), when: z.string() }))
      .safeParse(report.record?.['channels']).data;
    if (channels === undefined || channels.length === 0) return [];
    const rows = channels.map(({ channel, kind, when }) => [channel, kind, when]);
    return [{ kind: 'table', columns: ['channel', 'kind', 'sent'], rows }];
  },
};

function chooseChannels(channel: string | undefined, { alerts }: Configuration): string[] {
  const names = Object.keys(alerts.channels);
  if (channel === undefined) return names;
  if (names.includes(channel)) return [channel];
  throw new UserError('no-such-channel', `alerts.channels has no ${channel}`, {
    hint: names.length === 0 ? 'It has none at all.' : `It has ${names.join(', ')}.`,
  });
}

function testAlert(
  { project, environment }: Configuration,
  now: number,
  { identity, random }: Pick<Platform, 'identity' | 'random'>,
): Alert {
  const at = new Date(now).toISOString();
  return {
    // Each test is an event of its own: a channel must not fold it into the one before.
    key: [project, environment, 'alert test', at, random.hex(4)].join('/'),
    severity: 'info',
    project,
    environment,
    reason: 'test',
    happened: 'sends a test of its alerts',
    live: 'nothing happened to what is live',
    todo: 'nobody has to do anything',
    details: [`${identity.actor} asked for this test.`],
    at,
  };
}
