import { UserError } from '../core/errors.ts';
import { AlertSettings } from './settings.ts';

/**
 * The channel for when no configuration can be read: every alert goes to this webhook of Slack, or of anything that takes
 * the same messages. Throws UserError `bad-webhook`, which does not tell the address, for one that is none.
 */
export function lastResort(webhook: string): AlertSettings {
  const settings = AlertSettings.safeParse({
    channels: { 'last-resort': { kind: 'slack', webhook } },
    routes: [{ send: ['last-resort'] }],
  });
  if (settings.success) return settings.data;
  throw new UserError('bad-webhook', 'HOLDFAST_ALERT_WEBHOOK is no https address of a webhook', {
    hint: 'It is the whole address, like https://hooks.slack.com/services/….',
  });
}
