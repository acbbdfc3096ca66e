import { countOutcomes, type Finding, type Outcome } from '../core/finding.ts';
import { mark, OUTCOME_SHADE, pill } from './html-icons.ts';
import { type Html, html } from './html-template.ts';
import { describeCounts, findingsThatMatter } from './story.ts';

/** Findings by layer, the layer with the worst one first; layers in which all is well are folded. */
export function findingSection(findings: readonly Finding[]): Html | undefined {
  if (findings.length === 0) return undefined;
  // Sorted by how bad they are, so a layer comes where its worst finding stands.
  const quiet = findings.filter(({ outcome }) => outcome === 'pass' || outcome === 'skipped');
  const layers = Map.groupBy([...findingsThatMatter(findings), ...quiet], ({ layer }) => layer);
  return html`<h2>Checks by layer <span class="muted">(${describeCounts(findings)})</span></h2>
${[...layers].map(([layer, members]) => layerDetails(layer, members))}`;
}

const SHOWN: readonly Outcome[] = ['fail', 'unknown', 'warn', 'pass', 'skipped'];
const WORDS: Record<Outcome, string> = {
  fail: 'failed',
  unknown: 'unknown',
  warn: 'warned',
  pass: 'passed',
  skipped: 'skipped',
};

function layerDetails(layer: string, findings: readonly Finding[]): Html {
  const counts = countOutcomes(findings);
  const pills = SHOWN.filter((outcome) => counts[outcome] > 0).map((outcome) =>
    pill(OUTCOME_SHADE[outcome], `${counts[outcome]} ${WORDS[outcome]}`),
  );
  const inside = html`<summary><span class="name">${layer}</span>${pills}</summary>
<div class="inside">${findings.map(findingHtml)}</div>`;
  const isOpen = counts.fail + counts.unknown + counts.warn > 0;
  return isOpen
    ? html`<details class="card" open>${inside}</details>`
    : html`<details class="card">${inside}</details>`;
}

function findingHtml(finding: Finding): Html {
  const { check, outcome, severity, message, remedy, path } = finding;
  const shade = OUTCOME_SHADE[outcome];
  const told = [
    html`<p>${message}</p>`,
    ...(remedy === undefined ? [] : [html`<p class="do">${remedy}</p>`]),
    ...measuredHtml(finding),
    ...(path === undefined ? [] : [html`<p class="small muted">Asked by <code>${path}</code></p>`]),
    ...referencesHtml(finding),
  ];
  return html`<article class="finding"><h3>${mark(shade, WORDS[outcome])}<span>${check}</span>${pill(shade, WORDS[outcome])}<span class="small muted">${severity}</span></h3>${told}</article>`;
}

function measuredHtml({ measured }: Finding): Html[] {
  const facts = Object.entries(measured ?? {}).map(([name, value]) => `${name} ${value}`);
  return facts.length === 0 ? [] : [html`<p class="small muted">Measured: ${facts.join(', ')}</p>`];
}

function referencesHtml({ references }: Finding): Html[] {
  const items = (references ?? []).map((reference) =>
    isWebAddress(reference)
      ? html`<a href="${reference}" rel="noopener noreferrer">${reference}</a>`
      : html`<span>${reference}</span>`,
  );
  return items.map((item) => html`<p class="small muted">${item}</p>`);
}

/** Only these become links: no `javascript:`, nothing relative to where the file lies. */
function isWebAddress(text: string): boolean {
  return /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text);
}
