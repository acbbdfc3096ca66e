import { formatDuration } from '../core/duration.ts';
import { countOutcomes, type Finding, type Severity } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import { describeRelease, isSkipped, type KnownRecord } from './record.ts';
import { oneLine } from './text.ts';

export type Tone = 'good' | 'caution' | 'bad' | 'unsafe';

/** What a reader wants first, in every medium: plain sentences, made from a clean report. */
export interface Story {
  readonly tone: Tone;
  /** A few words: `Rolled back`. */
  readonly verdict: string;
  /** `insurance-navigator · production · v3`. */
  readonly about: string;
  /** What is live now; undefined for an action that has nothing to do with it. */
  readonly live: string | undefined;
  /** What was decided and why. */
  readonly decided: readonly string[];
  /** What to do next, in order. */
  readonly next: readonly Advice[];
}

/** One thing to do; `command` is what to type, safe to paste. */
export interface Advice {
  readonly text: string;
  readonly command?: string;
}

export const UNSAFE_VERDICT = 'UNSAFE: a person is needed now';

/** The story of one report. `record` is what `readRecord` gave for the same report. */
export function tellStory(report: Report, record: KnownRecord): Story {
  const tone = toneOf(report);
  return {
    tone,
    verdict: verdictOf(report),
    about: [report.subject.project, report.subject.environment, report.subject.version]
      .filter((part) => part !== undefined && part !== '')
      .map((part) => oneLine(part ?? ''))
      .join(' · '),
    live: liveOf(report, record),
    decided: decidedOf(report, record),
    next: nextOf(report, tone),
  };
}

/** Findings that somebody must read, the worst first. The rest are passes and checks that were not asked. */
export function findingsThatMatter(findings: readonly Finding[]): Finding[] {
  return findings
    .filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown' || outcome === 'warn')
    .sort(
      (a, b) =>
        OUTCOME_ORDER[a.outcome] - OUTCOME_ORDER[b.outcome] || SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity],
    );
}

/** `2 failed, 1 unknown, 28 passed`; empty without findings. */
export function describeCounts(findings: readonly Finding[]): string {
  const counts = countOutcomes(findings);
  return [
    [counts.fail, 'failed'],
    [counts.unknown, 'unknown'],
    [counts.warn, counts.warn === 1 ? 'warning' : 'warnings'],
    [counts.pass, 'passed'],
    [counts.skipped, 'skipped'],
  ]
    .filter(([count]) => count !== 0)
    .map((part) => part.join(' '))
    .join(', ');
}

const OUTCOME_ORDER = { fail: 0, unknown: 1, warn: 2, pass: 3, skipped: 4 } as const;
const SEVERITY_ORDER: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3, info: 4 };

function toneOf(report: Report): Tone {
  if (report.reason === 'unsafe') return 'unsafe';
  if (report.decision === 'stop') return 'bad';
  if (report.reason === 'live-not-good') return 'caution';
  return report.findings.some(({ outcome }) => outcome === 'fail' || outcome === 'unknown') ? 'caution' : 'good';
}

function verdictOf(report: Report): string {
  switch (report.reason) {
    case 'unsafe':
      return UNSAFE_VERDICT;
    case 'released':
      return 'Released';
    case 'live-not-good':
      return 'Live, but not proven good';
    case 'not-started':
      return 'Not started: nothing was changed';
    case 'rolled-back':
      return 'Rolled back';
    default: {
      const action = oneLine(report.action);
      const name = action.charAt(0).toUpperCase() + action.slice(1);
      return report.decision === 'proceed' ? `${name}: done` : `${name}: stopped`;
    }
  }
}

function liveOf(report: Report, record: KnownRecord): string | undefined {
  const environment = oneLine(report.subject.environment);
  if (record.live === null) return `Nothing is live in ${environment}.`;
  if (record.live !== undefined) {
    const named = `${oneLine(describeRelease(record.live))} in ${environment}`;
    return report.reason === 'unsafe' ? `${named}, as far as this run could tell` : named;
  }
  if (report.reason === 'unsafe') return 'Unknown. Do not assume that either version answers.';
  if (report.reason === 'not-started') return `What was live before in ${environment}; this run changed nothing.`;
  return undefined;
}

function decidedOf(report: Report, record: KnownRecord): string[] {
  const sentences = [oneLine(report.summary)];
  const stopping = record.steps.find((step) => step.decision === 'stop' && !isSkipped(step));
  if (stopping !== undefined && report.decision === 'stop') {
    const why = oneLine(stopping.summary ?? '');
    const told = why === '' || sentences[0]?.includes(why) ? '' : `: ${why}`;
    sentences.push(`The step ${oneLine(stopping.name)} stopped it (${oneLine(stopping.reason)})${told}`);
  }
  const { rollback } = record;
  if (rollback?.data === 'restored') sentences.push('The data was brought back from the backup.');
  if (rollback?.data === 'kept') sentences.push('The data was kept as it is.');
  if (rollback?.durationMs !== undefined) {
    const verb = report.reason === 'unsafe' ? 'failed after' : 'took';
    sentences.push(`The way back ${verb} ${formatDuration(rollback.durationMs)}.`);
  }
  return sentences.filter((sentence) => sentence !== '').map(withStop);
}

function nextOf(report: Report, tone: Tone): Advice[] {
  const remedies = remediesOf(report.findings);
  const wayBack = { text: 'The way back', command: command('rollback', report) };
  switch (report.reason) {
    case 'unsafe':
      return [
        { text: 'See what answers now', command: command('status', report) },
        { text: 'Finish or undo what was begun; it may run twice', command: command('recover', report) },
        ...remedies,
      ];
    case 'released':
      return remedies.length === 0 ? [{ text: 'Nothing has to be done.' }, wayBack] : [...remedies, wayBack];
    case 'live-not-good':
      return [
        ...remedies,
        { text: 'Find out what could not be checked and release again; until then a rollback skips this release.' },
      ];
    case 'rolled-back':
      // By hand it is what somebody wanted; by itself it is what a release came to.
      if (report.decision === 'proceed')
        return remedies.length === 0 ? [{ text: 'Nothing has to be done.' }] : remedies;
      return [...remedies, { text: 'Mend what stopped it, then release again.' }];
    case 'not-started':
      return [...remedies, { text: 'Mend what stopped it, then release again.' }];
    default:
      return tone === 'bad' && remedies.length === 0 ? [{ text: 'Mend what stopped it and try again.' }] : remedies;
  }
}

/** At most three, of the worst findings, each once. */
function remediesOf(findings: readonly Finding[]): Advice[] {
  const remedies = findingsThatMatter(findings).flatMap(({ remedy }) =>
    remedy === undefined ? [] : [withStop(oneLine(remedy))],
  );
  return [...new Set(remedies)].slice(0, 3).map((text) => ({ text }));
}

/** The command as somebody can paste it; an environment's name that a shell would read otherwise is left out. */
function command(name: string, report: Report): string {
  const { environment } = report.subject;
  return `holdfast ${name}${/^[a-z][a-z0-9-]*$/.test(environment) ? ` --environment ${environment}` : ''}`;
}

function withStop(sentence: string): string {
  return /[.!?:…]$/.test(sentence) ? sentence : `${sentence}.`;
}
