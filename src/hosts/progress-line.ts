import { formatDuration } from '../core/duration.ts';
import { displayWidth, fitWidth, padWidth } from '../report/width.ts';
import { describeProgress } from './progress.ts';

/** What is known of a step that runs. */
export interface OpenStep {
  readonly name: string;
  readonly startedAtMs: number;
  /** How long it took before, where somebody knows. */
  readonly expectedMs: number | undefined;
  progress: { readonly done: number; readonly total: number; readonly unit: string } | undefined;
  note: string;
}

/** Names of steps are this wide, so that what follows stands in one column. */
export const NAME_COLUMNS = 20;
const BAR_COLUMNS = 16;
/** Before this, an estimate from the progress so far is a guess. */
const MIN_ELAPSED_MS = 2000;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPINNER_MS = 100;

/** The sign that shows that something goes on. */
export function spinnerAt(nowMs: number): string {
  return SPINNER[Math.floor(nowMs / SPINNER_MS) % SPINNER.length] ?? '';
}

/**
 * What follows the spinner on the one line of a step, at most `columns` wide and without colour:
 * `backup    ████████────────  12.4 of 24.8 MB  3.1 s of about 6.2 s  policies`.
 */
export function progressLine(step: OpenStep, nowMs: number, columns: number): string {
  const time = describeTime(step, nowMs);
  const parts = [padWidth(step.name, NAME_COLUMNS)];
  if (step.progress !== undefined) {
    // On a narrow terminal the numbers say more than the bar.
    const measured = describeProgress(step.progress);
    const withBar = displayWidth(parts[0] ?? '') + BAR_COLUMNS + displayWidth(measured) + displayWidth(time) + 6;
    if (withBar <= columns) parts.push(bar(step.progress));
    parts.push(measured);
  }
  parts.push(time);
  if (step.note !== '') parts.push(step.note);
  return fitWidth(parts.filter((part) => part !== '').join('  '), columns);
}

function describeTime(step: OpenStep, nowMs: number): string {
  const elapsedMs = Math.max(0, nowMs - step.startedAtMs);
  const expectedMs = step.expectedMs ?? estimate(step, elapsedMs);
  // In tenths from the start: milliseconds that run by are noise.
  const elapsed = elapsedMs < 1000 ? `${(elapsedMs / 1000).toFixed(1)} s` : formatDuration(elapsedMs);
  return expectedMs === undefined || expectedMs < elapsedMs
    ? elapsed
    : `${elapsed} of about ${formatDuration(expectedMs)}`;
}

function estimate({ progress }: OpenStep, elapsedMs: number): number | undefined {
  if (progress === undefined || elapsedMs < MIN_ELAPSED_MS) return undefined;
  const { done, total } = progress;
  return done > 0 && done < total ? (elapsedMs / done) * total : undefined;
}

function bar({ done, total }: { readonly done: number; readonly total: number }): string {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const filled = Math.floor(share * BAR_COLUMNS);
  return '█'.repeat(filled) + '─'.repeat(BAR_COLUMNS - filled);
}
