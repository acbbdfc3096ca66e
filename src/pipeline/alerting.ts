import { type Alert, alertFor } from '../alert/alert.ts';
import { receiptFindings, sendAlert } from '../alert/send.ts';
import type { Configuration } from '../config/configuration.ts';
import { errorMessage } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';

/**
 * Sends the alert that a report of a release, a rollback or a recovery deserves, and answers the report with what became
 * of it as findings: a channel that failed is a warning, and decision and reason stay as they are. Never rejects, and
 * sends although the run was interrupted: it is over, and people must hear how it ended.
 */
export async function withAlert(report: Report, settings: Configuration, platform: Platform): Promise<Report> {
  const alert = alertFor(report);
  if (alert === undefined || settings.alerts.routes.length === 0) return report;
  const progress = platform.log.step('alert');
  const findings = await sendCalmly(alert, settings, platform);
  const failed = findings.filter(({ outcome }) => outcome !== 'pass');
  const told = failed.length > 0 ? `${failed.length} of ${findings.length} did not arrive` : `${findings.length} sent`;
  progress.end('proceed', findings.length === 0 ? `no route matches ${alert.severity}` : told);
  const finishedAt = new Date(platform.clock.now()).toISOString();
  return { ...report, findings: [...report.findings, ...findings], finishedAt };
}

async function sendCalmly(alert: Alert, { alerts }: Configuration, platform: Platform): Promise<Finding[]> {
  try {
    return receiptFindings(await sendAlert(alert, alerts, { ...platform, signal: new AbortController().signal }));
  } catch (error) {
    return [
      {
        check: 'alert',
        layer: 'release',
        outcome: 'warn',
        severity: 'high',
        message: `no alert could be sent: ${errorMessage(error)}`,
        remedy: 'Tell people yourself.',
        path: 'alerts',
      },
    ];
  }
}
