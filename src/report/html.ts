import { createHash } from 'node:crypto';
import { formatDuration } from '../core/duration.ts';
import type { Report } from '../core/report.ts';
import { cleanBlocks, cleanReport, type RenderOptions } from './clean.ts';
import { blockHtml } from './html-blocks.ts';
import { findingSection } from './html-findings.ts';
import { verdictIcon } from './html-icons.ts';
import { backupSection, memberSections } from './html-record.ts';
import { STYLE } from './html-style.ts';
import { type Html, html } from './html-template.ts';
import { timelineSection } from './html-timeline.ts';
import { renderJson } from './json.ts';
import { type KnownRecord, readRecord } from './record.ts';
import { type Advice, type Story, tellStory } from './story.ts';
import { cut } from './text.ts';

/** The whole report is there for whoever wants every field; beyond this a browser becomes slow. */
const MAX_JSON = 200_000;

/**
 * A report as one HTML document for the person who was not there: no script, no outside request (the policy in its head
 * forbids both), light and dark, wide and narrow. Ends with a line feed.
 */
export function renderHtml(report: Report, options: RenderOptions = {}): string {
  const clean = cleanReport(report, options.mask);
  const record = readRecord(clean);
  const story = tellStory(clean, record);
  const blocks = cleanBlocks(options.blocks ?? [], options.mask);
  const body = html`${alarm(story)}
<main>
<header class="verdict ${story.tone}">${verdictIcon(story.tone)}<div><h1>${story.verdict}</h1><p>${story.about}</p></div></header>
${facts(story, record)}
${timelineSection(record.steps)}
${findingSection(clean.findings)}
${backupSection(record)}
${blocks.map((block) => html`<section class="card">${blockHtml(block)}</section>`)}
${memberSections(record)}
<h2>The whole report</h2>
<details class="card"><summary><span class="name">As JSON</span></summary><div class="inside"><pre>${cut(renderJson(clean), MAX_JSON)}</pre></div></details>
</main>
${closing(clean)}`;
  return `${documentOf(`${story.verdict} · ${story.about}`, body).html}\n`;
}

function documentOf(title: string, body: Html): Html {
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
${body}
</body>
</html>`;
}

function alarm(story: Story): Html | undefined {
  if (story.tone !== 'unsafe') return undefined;
  return html`<div class="alarm" role="alert"><p>${story.verdict} · ${story.about}</p></div>`;
}

function facts(story: Story, record: KnownRecord): Html {
  const next = html`<section class="card"><h2>What to do next</h2><ol>${story.next.map(adviceItem)}</ol></section>`;
  return html`<div class="facts">
${liveCard(story, record)}
<section class="card"><h2>What was decided and why</h2>${story.decided.map((sentence) => html`<p>${sentence}</p>`)}</section>
${story.next.length === 0 ? undefined : next}
</div>`;
}

function liveCard({ live, tone }: Story, record: KnownRecord): Html | undefined {
  if (live === undefined) return undefined;
  const version = record.live?.version;
  const told =
    version === undefined || tone === 'unsafe'
      ? html`<p class="big">${live}</p>`
      : html`<p class="big">${version}</p><p class="small muted">${live}</p>`;
  return html`<section class="card"><h2>Live now</h2>${told}</section>`;
}

function adviceItem({ text, command }: Advice): Html {
  if (command === undefined) return html`<li>${text}</li>`;
  // Each word of its own: a browser would break lines within `--flag`. The line feeds between them read as spaces.
  const words = command.split(' ').map((word) => html`<span>${word}</span>`);
  return html`<li>${text}:<code class="command">${words}</code></li>`;
}

function closing(report: Report): Html {
  const took = Date.parse(report.finishedAt) - Date.parse(report.startedAt);
  const release = report.subject.release === undefined ? '' : `, release ${report.subject.release}`;
  const duration = took >= 0 ? ` (${formatDuration(took)})` : '';
  return html`<footer class="muted small"><p>holdfast ${report.action}${release}</p><p>${report.startedAt} to ${report.finishedAt}${duration}</p></footer>`;
}
