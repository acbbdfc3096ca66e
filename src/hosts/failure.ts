import { InvalidConfiguration } from '../config/problem.ts';
import { errorCode, errorMessage, Interrupted, OutsideError, UnsafeError, UserError } from '../core/errors.ts';
import type { Finding, Severity } from '../core/finding.ts';
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
  readonly findings: readonly Finding[];
}

export function failureOf(error: unknown): Failure {
  if (error instanceof InvalidConfiguration) return invalid(error);
  if (error instanceof UserError) return known(error, EXIT.user, 'medium');
  if (error instanceof OutsideError) return known(error, EXIT.outside, 'high');
  if (error instanceof UnsafeError) return known(error, EXIT.unsafe, 'critical');
  if (error instanceof Interrupted) {
    return known({ code: 'interrupted', message: error.message }, EXIT.interrupted, 'medium');
  }
  const refused = errorCode(error);
  if (refused !== undefined && Object.hasOwn(REFUSALS, refused)) {
    const message = errorMessage(error);
    return known({ code: 'system-refused', message, hint: REFUSALS[refused] }, EXIT.outside, 'high');
  }
  return { ...known({ code: 'bug', message: errorMessage(error) }, EXIT.bug, 'high'), isBug: true };
}

/** What the operating system may refuse to any program, with what a person can do about it. Their text names the path. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'Run as the user to whom it belongs, or give this user the right to it.',
  EPERM: 'Run as the user to whom it belongs, or give this user the right to it.',
  EROFS: 'It lies on a file system that is read-only; choose another place.',
  ENOSPC: 'The disk is full: free some space, then run "holdfast recover".',
  EDQUOT: 'The share of the disk is used up: free some space, then run "holdfast recover".',
  EIO: 'The disk does not work: look at what the system logged.',
  EBUSY: 'Something uses it: end that, or choose another place.',
  EEXIST: 'Something else lies at this place: move it away.',
  EISDIR: 'A folder lies at this place where a file is expected: move it away.',
  ELOOP: 'The links on this path lead in a circle.',
  ENAMETOOLONG: 'Choose a place with a shorter path.',
  ENOTDIR: 'A file lies on this path where a folder is expected: move it away.',
  ESTALE: 'The network file system lost it: mount it again, then run "holdfast recover".',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n), then run "holdfast recover".',
};

function invalid(error: InvalidConfiguration): Failure {
  const failure = known({ code: error.code, message: error.message.trimEnd() }, EXIT.user, 'medium');
  const findings = error.problems.map(({ file, line, path, message }) => ({
    ...findingOf(failure, line === 0 ? `${file}: ${message}` : `${file}:${line}: ${message}`),
    ...(path === '' ? {} : { path }),
  }));
  return { ...failure, findings };
}

function known(
  error: { readonly code: string; readonly message: string; readonly hint?: string | undefined },
  exitCode: number,
  severity: Severity,
): Failure {
  const { code, message, hint } = error;
  const failure = { code, message, hint, exitCode, severity, isBug: false };
  return { ...failure, findings: [findingOf(failure, message)] };
}

function findingOf({ code, severity, hint }: Pick<Failure, 'code' | 'severity' | 'hint'>, message: string): Finding {
  const remedy = hint === undefined ? {} : { remedy: hint };
  return { check: code, layer: 'release', outcome: 'fail', severity, message, ...remedy };
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
    // The last line of a list tells how long it is.
    summary: failure.message.split('\n').at(-1) ?? failure.message,
    findings: [...failure.findings],
    startedAt: new Date(run.startedAtMs).toISOString(),
    finishedAt: new Date(run.finishedAtMs).toISOString(),
  };
}

/** A failure for people: what happened, then what to do. `details` is the file that was written about a bug. */
export function failureText(failure: Failure, action: string, details: string | undefined): string {
  // A list of problems is printed as it is: editors find files and lines in it.
  const lines = [failure.message.includes('\n') ? failure.message : `${action}: ${failure.message}`];
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
