import { z } from 'zod';
import type { Finding, Severity } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import { oneLine } from './one-line.ts';

/** A message that must arrive. Plain text, no secrets; a channel renders it. */
export interface Alert {
  /** The same for the same event: a channel that can fold sends one message for it, however often it is tried. */
  readonly key: string;
  readonly severity: Severity;
  readonly project: string;
  readonly environment: string;
  readonly release?: string;
  readonly version?: string;
  readonly reason: string;
  /** Follows the version: `was rolled back`. */
  readonly happened: string;
  /** `v2 is live`. */
  readonly live: string;
  /** `whoever released it corrects what failed`. */
  readonly todo: string;
  /** The whole story in one sentence, then what failed. */
  readonly details: readonly string[];
  /** UTC, ISO 8601. */
  readonly at: string;
  /** A page that tells more, over https: the run of a workflow. */
  readonly url?: string;
}

interface Story {
  readonly severity: Severity;
  readonly happened: string;
  readonly todo: string;
  /** Where the report does not tell. */
  readonly live?: string;
}

/** The alert that a report of a release, a rollback or a recovery deserves; undefined when nobody has to hear of it. */
export function alertFor(report: Report): Alert | undefined {
  const story = storyOf(report);
  if (story === undefined) return undefined;
  const { project, environment, release, version } = report.subject;
  const moment = release ?? report.startedAt;
  return {
    key: [project, environment, report.action, moment, report.reason].join('/'),
    severity: story.severity,
    project,
    environment,
    ...(release === undefined ? {} : { release }),
    ...(version === undefined ? {} : { version }),
    reason: report.reason,
    happened: story.happened,
    live: liveOf(report) ?? story.live ?? 'what is live is not told',
    todo: story.todo,
    details: [report.summary, ...report.findings.filter(needsAttention).slice(0, 10).map(describeFinding)],
    at: report.finishedAt,
  };
}

/** Environment, version, what happened, what is live now, who must do what: one line, whatever the parts hold. */
export function firstLine(alert: Alert): string {
  return oneLine([headline(alert), alert.live, alert.todo].join('; '));
}

/** What the first line begins with: environment, version, what happened. */
export function headline({ project, environment, version, happened }: Alert): string {
  const subject = [project, environment, version].filter((part) => part !== undefined);
  return oneLine([...subject, happened].join(' '));
}

function storyOf({ action, reason, decision }: Report): Story | undefined {
  switch (reason) {
    case 'released':
      return { severity: 'info', happened: 'was released', todo: 'nobody has to do anything' };
    case 'live-not-good':
      return {
        severity: 'medium',
        happened: 'is live, but not good',
        todo: 'whoever released it finds out why a check could not look, and releases again',
      };
    case 'not-started':
      return {
        severity: 'low',
        happened: 'was not released',
        live: 'what was live still is',
        todo: 'whoever asked for it corrects what stopped it',
      };
    case 'rolled-back':
      return decision === 'proceed'
        ? { severity: 'medium', happened: 'was rolled back by hand', todo: 'nobody has to do anything at once' }
        : {
            severity: 'high',
            happened: 'failed and was rolled back',
            todo: 'whoever released it corrects what failed before the next release',
          };
    case 'unsafe':
      return {
        severity: 'critical',
        happened: 'failed, and so did the way back',
        live: 'what is live is not known',
        todo: 'a restorer acts now: look at "holdfast status", then run "holdfast recover"',
      };
    case 'recovered':
      return {
        severity: 'medium',
        happened: 'was left unfinished by a run that died, and was settled',
        todo: 'whoever started that run reads what was done',
      };
    default:
      // A rollback that did not happen was wanted by somebody.
      return action === 'rollback' && decision === 'stop'
        ? {
            severity: 'medium',
            happened: 'was not rolled back',
            live: 'what was live still is',
            todo: 'whoever asked for it reads why',
          }
        : undefined;
  }
}

const Live = z.object({ version: z.string() }).nullable();

function liveOf({ record }: Report): string | undefined {
  const live = Live.safeParse(record?.['live']);
  if (!live.success) return undefined;
  return live.data === null ? 'nothing is live' : `${live.data.version} is live`;
}

function needsAttention({ outcome }: Finding): boolean {
  return outcome === 'fail' || outcome === 'unknown';
}

function describeFinding({ check, outcome, message, remedy }: Finding): string {
  const said = `${outcome} ${check}: ${message}`;
  return remedy === undefined ? said : `${said}. ${remedy}`;
}
