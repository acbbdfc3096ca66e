import { type Alert, alertFor } from '../alert/alert.ts';
import { lastResort } from '../alert/last-resort.ts';
import { type Needs, type Outcome, outcomeOf } from '../alert/outcome.ts';
import { type Receipt, receiptFindings, sendAlert } from '../alert/send.ts';
import type { AlertSettings } from '../alert/settings.ts';
import type { ReadableConfiguration } from '../config/readable.ts';
import { errorMessage } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { composeReport, type Report } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';

/**
 * The last job of a workflow: says what became of it, by the results of all its jobs, and tells people. With a
 * configuration that cannot be read they are told over the best one that can, or over the webhook of last resort.
 * `record.untold` is true when somebody had to hear of it and nobody was reached.
 */
export async function tellOutcome(
  needs: Needs,
  version: string | undefined,
  settings: ReadableConfiguration,
  platform: Platform,
): Promise<Report> {
  const startedAt = platform.clock.now();
  const outcome = outcomeOf(needs, version);
  const { action, decision, reason, summary, live, steps } = outcome;
  const subject = {
    project: settings.readable?.project ?? '',
    environment: settings.readable?.environment ?? settings.environment,
    ...(outcome.release === undefined ? {} : { release: outcome.release }),
    ...(outcome.version === undefined ? {} : { version: outcome.version }),
  };
  const close = (findings: readonly Finding[], isUntold: boolean) =>
    composeReport(
      action,
      subject,
      { startedAt, finishedAt: platform.clock.now() },
      {
        ...{ decision, reason, summary, findings: [...outcome.findings, ...findings] },
        record: { ...(live === undefined ? {} : { live }), steps, untold: isUntold },
      },
    );
  const configuration = configurationFindings(settings);
  const alert = addressed(alertFor(close(configuration, false)), outcome, platform);
  if (alert === undefined) return close(configuration, false);
  const told = await tell(alert, settings, platform);
  return close([...configuration, ...told.findings], told.isUntold);
}

/** With the page of the run, and a key that is the same however often this is tried for one attempt of one run. */
function addressed(
  found: Alert | undefined,
  { action, reason, settled }: Outcome,
  { workflow }: Platform,
): Alert | undefined {
  if (found === undefined) return undefined;
  // Whoever started the run that died has to hear of it, however well this one ended.
  const quiet = found.severity === 'info' || found.severity === 'low';
  const severity = settled.length > 0 && quiet ? 'medium' : found.severity;
  const alert = { ...found, severity, details: [...found.details, ...settled.map((did) => `settled first: ${did}`)] };
  if (workflow === undefined) return alert;
  const { id, attempt, url } = workflow.run;
  return { ...alert, key: [alert.project, alert.environment, action, id, attempt, reason].join('/'), url };
}

async function tell(
  alert: Alert,
  { readable, webhook }: ReadableConfiguration,
  platform: Platform,
): Promise<{ readonly findings: readonly Finding[]; readonly isUntold: boolean }> {
  const findings: Finding[] = [];
  const receipts: Receipt[] = [];
  const send = async (alerts: AlertSettings) => {
    try {
      receipts.push(...(await sendAlert(alert, alerts, { ...platform, signal: new AbortController().signal })));
    } catch (error) {
      findings.push(notSent(errorMessage(error)));
    }
  };
  const isAsked = readable === undefined || readable.alerts.routes.length > 0;
  if (readable !== undefined) await send(readable.alerts);
  const isReached = () => receipts.some(({ outcome }) => outcome === 'delivered');
  const hasFailed = readable === undefined || (receipts.length > 0 && !isReached());
  if (hasFailed && webhook !== undefined) await sendLast(webhook);
  findings.push(...receiptFindings(receipts));
  if (readable === undefined && webhook === undefined) {
    findings.push(notSent('no configuration says whom to tell, and HOLDFAST_ALERT_WEBHOOK is not set'));
  }
  return { findings, isUntold: isAsked && !isReached() && findings.some(({ outcome }) => outcome === 'warn') };

  async function sendLast(address: string): Promise<void> {
    try {
      await send(lastResort(address));
    } catch (error) {
      findings.push(notSent(errorMessage(error)));
    }
  }
}

function notSent(why: string): Finding {
  return {
    check: 'alert',
    layer: 'release',
    outcome: 'warn',
    severity: 'high',
    message: `nobody was told: ${why}`,
    remedy: 'Tell people yourself, and put the key HOLDFAST_ALERT_WEBHOOK into HOLDFAST_SECRETS.',
    path: 'alerts',
  };
}

function configurationFindings({ problem, instead }: ReadableConfiguration): Finding[] {
  if (problem === undefined) return [];
  const what = instead === undefined ? 'there is no other one' : `alerts follow ${instead}`;
  return [
    {
      check: 'configuration',
      layer: 'release',
      outcome: 'fail',
      severity: 'high',
      message: `the configuration of this run cannot be read (${problem}): ${what}`,
      remedy: 'Correct it; "holdfast config check" lists all that is wrong.',
    },
  ];
}
