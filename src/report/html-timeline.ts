import { formatDuration } from '../core/duration.ts';
import { mark, type Shade } from './html-icons.ts';
import { type Html, html } from './html-template.ts';
import { isSkipped, type Step } from './record.ts';

/** So that a step of a few milliseconds beside one of a minute can still be seen. */
const MIN_PERCENT = 0.6;

/** The steps one under the other, each with its place in the time of the whole. They ran one after another. */
export function timelineSection(steps: readonly Step[]): Html | undefined {
  if (steps.length === 0) return undefined;
  const totalMs = Math.max(
    1,
    steps.reduce((sum, step) => sum + step.durationMs, 0),
  );
  const items: Html[] = [];
  let elapsedMs = 0;
  for (const step of steps) {
    items.push(stepItem(step, (elapsedMs / totalMs) * 100, (step.durationMs / totalMs) * 100));
    elapsedMs += step.durationMs;
  }
  return html`<h2>What happened, step by step</h2>
<section class="card"><ol class="steps">${items}</ol></section>`;
}

function stepItem(step: Step, startPercent: number, sharePercent: number): Html {
  const shade = shadeOf(step);
  const width = Math.max(MIN_PERCENT, sharePercent);
  const x = Math.min(startPercent, 100 - width);
  return html`<li>${mark(shade, WORDS[shade])}<span class="name">${step.name}</span><svg class="bar" aria-hidden="true"><rect class="track" width="100%" height="100%" rx="4"></rect><rect class="run-${shade}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="100%" rx="4"></rect></svg><span class="took small">${formatDuration(step.durationMs)}</span><span class="told small muted">${step.summary ?? step.reason}</span></li>`;
}

function shadeOf(step: Step): Shade {
  if (isSkipped(step)) return 'quiet';
  return step.decision === 'proceed' ? 'good' : 'bad';
}

const WORDS: Record<Shade, string> = { good: 'done', bad: 'stopped', caution: 'warned', quiet: 'skipped' };
