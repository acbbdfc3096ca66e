import { errorMessage, Interrupted, OutsideError, UnsafeError, UserError } from '../core/errors.ts';
import type { Severity } from '../core/finding.ts';
import { EXIT, type Report, type Subject } from '../core/report.ts';

/** Anything that was thrown, as the command line tells it. */
export interface Failure {
  /** Kebab-case and stable: the `reason` of the JSON report. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: number;
  readonly severity: Severity;
  /** True when it is our fault: nothing that the user did or has. */
  readonly isBug: boolean;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof UserError) return known(error, EXIT.user, 'medium');
  if (error instanceof OutsideError) return known(error, EXIT.outside, 'high');
  if (error instanceof UnsafeError) return known(error, EXIT.unsafe, 'critical');
  if (error instanceof Interrupted) {
    return { ...known(error, EXIT.interrupted, 'medium'), code: 'interrupted' };
  }
  return { ...known({ message: errorMessage(error) }, EXIT.bug, 'high'), code: 'bug', isBug: true };
}

function known(
  error: { readonly message: string; readonly code?: string; readonly hint?: string | undefined },
  exitCode: number,
  severity: Severity,
): Failure {
  const { message, code = 'failed', hint } = error;
  return { code, message, hint, exitCode, severity, isBug: false };
}

/** The report of a run that ended by being thrown out of: always `stop`. Times in milliseconds since 1970. */
export function failureReport(
  failure: Failure,
  run: {
    readonly action: string;
    readonly subject: Subject;
    readonly startedAtMs: number;
    readonly finishedAtMs: number;
  },
): Report {
  return {
    schema: 1,
    action: run.action,
    subject: run.subject,
    decision: 'stop',
    reason: failure.code,
    summary: failure.message,
    findings: [
      {
        check: failure.code,
        layer: 'release',
        outcome: 'fail',
        severity: failure.severity,
        message: failure.message,
        ...(failure.hint === undefined ? {} : { remedy: failure.hint }),
      },
    ],
    startedAt: new Date(run.startedAtMs).toISOString(),
    finishedAt: new Date(run.finishedAtMs).toISOString(),
  };
}

/** A failure for people: what happened, then what to do. `details` is the file that was written about a bug. */
export function failureText(failure: Failure, action: string, details: string | undefined): string {
  const lines = [`${action}: ${failure.message}`];
  if (failure.hint !== undefined) lines.push(failure.hint);
  if (failure.isBug) {
    lines[0] = `${action}: ended by a bug of Holdfast: ${failure.message}`;
    lines.push('Run "holdfast recover" if it was changing something, and report the bug to whoever gave you Holdfast.');
    lines.push(details === undefined ? 'With --verbose it tells more.' : `Add this file: ${details}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What a maintainer needs to know about a bug: the stack with its causes. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
