import type { Outcome } from '../core/finding.ts';
import { type Html, html } from './html-template.ts';
import type { Tone } from './story.ts';

export type Shade = 'good' | 'bad' | 'caution' | 'quiet';

/** The large sign beside the verdict. */
export function verdictIcon(tone: Tone): Html {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true">${SHAPES[tone === 'unsafe' ? 'alarm' : tone]}</svg>`;
}

/** The small sign of a step or a finding. `name` is read aloud. */
export function mark(shade: Shade, name: string): Html {
  return html`<svg class="mark ${shade}" viewBox="0 0 24 24" role="img" aria-label="${name}">${SHAPES[shade]}</svg>`;
}

/** A word on a soft ground. */
export function pill(shade: Shade, text: string): Html {
  return html`<span class="pill ${shade}">${text}</span>`;
}

/** How loud an outcome is. */
export const OUTCOME_SHADE: Record<Outcome, Shade> = {
  pass: 'good',
  warn: 'caution',
  fail: 'bad',
  skipped: 'quiet',
  unknown: 'caution',
};

const disc = html`<circle cx="12" cy="12" r="11" fill="currentColor" fill-opacity=".16"></circle>`;
const stroke = (path: string) =>
  html`<path d="${path}" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"></path>`;

const SHAPES: Record<Shade | 'alarm', Html> = {
  good: html`${disc}${stroke('M7 12.5l3.4 3.4L17 9')}`,
  bad: html`${disc}${stroke('M8.2 8.2l7.6 7.6M15.8 8.2l-7.6 7.6')}`,
  caution: html`${disc}${stroke('M12 6.8v6.2M12 16.8v.1')}`,
  quiet: html`${disc}${stroke('M8 12h8')}`,
  alarm: stroke('M12 3L1.8 21h20.4zM12 10v5M12 18v.1'),
};
