import type { Finding, Severity } from '../core/finding.ts';
import { isSealed, sealedNames } from '../core/sealed.ts';
import type { Alert } from './alert.ts';
import { type ChannelPlatform, type Delivery, PATIENCE, type Patience } from './channel.ts';
import { connectChannel } from './registry.ts';
import type { AlertSettings, RouteSettings } from './settings.ts';

/** What became of an alert on one channel. */
export interface Receipt extends Delivery {
  /** The key of the alert. */
  readonly alert: string;
  readonly channel: string;
  /** The channels that failed before this one was tried. */
  readonly insteadOf?: readonly string[];
  /** UTC, ISO 8601. */
  readonly at: string;
}

/**
 * Sends an alert along the first route that matches, to all of its channels at the same time. A channel that fails does
 * not stop the others; where one fails, `on_failure` is tried. Empty when no route matches. Never rejects but with
 * Interrupted: the release is over, whatever becomes of its alerts.
 */
export async function sendAlert(
  alert: Alert,
  settings: AlertSettings,
  platform: ChannelPlatform,
  patience: Patience = PATIENCE,
): Promise<Receipt[]> {
  const route = routeOf(alert.severity, settings.routes);
  if (route === undefined) return [];
  const names = [...new Set(route.send)];
  const receipts = await Promise.all(names.map((name) => sendOver(name)));
  const failed = receipts.filter(({ outcome }) => outcome === 'failed').map(({ channel }) => channel);
  const { on_failure: fallback } = route;
  if (failed.length === 0 || fallback === undefined || names.includes(fallback)) return receipts;
  return [...receipts, { ...(await sendOver(fallback)), insteadOf: failed }];

  async function sendOver(name: string): Promise<Receipt> {
    const channel = settings.channels[name];
    const delivery: Delivery =
      channel === undefined
        ? { outcome: 'failed', attempts: 0, detail: `alerts.channels has no ${name}` }
        : isSealed(channel)
          ? { outcome: 'failed', attempts: 0, detail: `${sealedNames(channel).join(', ')} is not set here` }
          : await connectChannel(channel, platform, patience).send(alert);
    return { alert: alert.key, channel: name, ...delivery, at: new Date(platform.clock.now()).toISOString() };
  }
}

/** The first route that matches; undefined when none does. */
export function routeOf(severity: Severity, routes: readonly RouteSettings[]): RouteSettings | undefined {
  return routes.find(({ when }) => {
    if (when.severity === undefined) return true;
    return Array.isArray(when.severity) ? when.severity.includes(severity) : when.severity === severity;
  });
}

/** Receipts as findings of a report: an alert that did not arrive must be seen somewhere. */
export function receiptFindings(receipts: readonly Receipt[]): Finding[] {
  return receipts.map(({ channel, outcome, attempts, detail, remedy, insteadOf }) => {
    const isGood = outcome === 'delivered';
    const instead = insteadOf === undefined ? '' : ` instead of ${insteadOf.join(' and ')}`;
    const how = `${detail}${attempts > 1 ? ` after ${attempts} attempts` : ''}`;
    return {
      check: `alert:${channel}`,
      layer: 'release',
      outcome: isGood ? 'pass' : 'warn',
      severity: isGood ? 'info' : 'high',
      message: isGood
        ? `the alert was sent over ${channel}${instead} (${how})`
        : `the alert did not arrive over ${channel}${instead}: ${how}`,
      ...(isGood ? {} : { remedy: `Tell people yourself. ${remedy ?? `Correct alerts.channels.${channel}.`}` }),
      path: `alerts.channels.${channel}`,
    };
  });
}
