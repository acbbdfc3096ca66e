import { Buffer } from 'node:buffer';
import type { Block } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import type { Finding, Outcome } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import { cleanBlocks, cleanReport, type RenderOptions } from './clean.ts';
import { jsonBlock, label } from './json-block.ts';
import { describeProof, describeWrites, isSkipped, type KnownRecord, readRecord, type Step } from './record.ts';
import { type Advice, describeCounts, findingsThatMatter, type Story, type Tone, tellStory } from './story.ts';
import { defuseCommands, escapeMarkdown, fenceMarkdown } from './text.ts';

/** A summary of a job may hold 1 MiB; with texts of at most 2000 characters these stay below it. */
const MAX_FINDINGS = 50;
/** Before the first fold. */
const ONE_SCREEN = 8;
const MAX_FOLDED = 100;
const MAX_BYTES = 900_000;

/**
 * A report as Markdown for a job summary: the verdict first, then the steps, the findings that somebody must read with
 * their remedy, and the rest folded away. Ends with a line feed.
 */
export function renderMarkdown(report: Report, options: RenderOptions = {}): string {
  const clean = cleanReport(report, options.mask);
  const record = readRecord(clean);
  const story = tellStory(clean, record);
  const blocks = cleanBlocks(options.blocks ?? [], options.mask);
  const first = [...verdict(story, clean, record), stepTable(record.steps), ...matters(clean.findings)];
  const folded = [...rest(clean.findings), ...details(record), closing(clean)];
  return within(
    MAX_BYTES,
    [...first, ...blocks.map(blockText), ...folded].filter((part) => part !== ''),
  );
}

const TONES: Record<Tone, string> = { good: '✅', caution: '⚠️', bad: '❌', unsafe: '🚨' };

function verdict(story: Story, report: Report, record: KnownRecord): string[] {
  const title = `## ${TONES[story.tone]} ${escapeMarkdown(story.verdict)}`;
  const about = escapeMarkdown(story.about);
  const counts = describeCounts(report.findings);
  const writes = describeWrites(record);
  const facts = [
    ...(story.live === undefined ? [] : [`- **Live:** ${escapeMarkdown(story.live)}`]),
    `- **Decided:** ${escapeMarkdown(story.decided.join(' '))}`,
    ...(counts === '' ? [] : [`- **Checks:** ${counts}`]),
    ...(writes === undefined ? [] : [`- **Writes:** ${escapeMarkdown(writes)}`]),
    ...story.next.map((advice, index) =>
      index === 0 ? `- **Next:** ${adviceText(advice)}` : `  - ${adviceText(advice)}`,
    ),
  ].join('\n');
  if (story.tone !== 'unsafe') return [title, `**${about}**`, facts];
  const alarm = [
    '> [!CAUTION]',
    `> **${escapeMarkdown(story.verdict)}.** Nobody can say that ${about} is as it should be.`,
  ];
  return [`# ${TONES.unsafe} ${escapeMarkdown(story.verdict)}`, alarm.join('\n'), `**${about}**`, facts];
}

function adviceText({ text, command }: Advice): string {
  return command === undefined ? escapeMarkdown(text) : `${escapeMarkdown(text)}: \`${command}\``;
}

function stepTable(steps: readonly Step[]): string {
  if (steps.length === 0) return '';
  const rows = steps.map((step) => [
    stepMark(step),
    step.name,
    formatDuration(step.durationMs),
    step.summary ?? step.reason,
  ]);
  return tableText(['', 'Step', 'Took', 'What came of it'], rows);
}

function stepMark(step: Step): string {
  if (isSkipped(step)) return '➖';
  return step.decision === 'proceed' ? '✅' : '❌';
}

const MARKS: Record<Outcome, string> = { pass: '✅', warn: '⚠️', fail: '❌', skipped: '➖', unknown: '❔' };

function matters(findings: readonly Finding[]): string[] {
  const matter = findingsThatMatter(findings);
  if (matter.length === 0) return [];
  const items = matter.slice(0, MAX_FINDINGS).map(findingItem);
  const more = matter.length - items.length;
  if (more > 0) items.push(`- … and ${more} more in the JSON report`);
  const shown = items.slice(0, ONE_SCREEN).join('\n');
  const hidden = items.slice(ONE_SCREEN).join('\n');
  return ['### What to look at', shown, ...(hidden === '' ? [] : [fold('more to look at', [hidden])])];
}

function findingItem({ outcome, check, layer, severity, message, remedy, path }: Finding): string {
  const lines = [
    `- ${MARKS[outcome]} **${escapeMarkdown(check)}** (${escapeMarkdown(`${layer}, ${severity}`)}): ${escapeMarkdown(message)}`,
  ];
  if (remedy !== undefined) lines.push(`  - What to do: ${escapeMarkdown(remedy)}`);
  if (path !== undefined) lines.push(`  - Asked by: ${escapeMarkdown(path)}`);
  return lines.join('\n');
}

function rest(findings: readonly Finding[]): string[] {
  const quiet = findings.filter(({ outcome }) => outcome === 'pass' || outcome === 'skipped');
  if (quiet.length === 0) return [];
  const shown = quiet.slice(0, MAX_FOLDED);
  const rows = shown.map(({ outcome, layer, check, message }) => [MARKS[outcome], layer, check, message]);
  const more = quiet.length > shown.length ? [`… and ${quiet.length - shown.length} more in the JSON report`] : [];
  return [fold(describeCounts(quiet), [tableText(['', 'Layer', 'Check', 'Answer'], rows), ...more])];
}

function details(record: KnownRecord): string[] {
  const { backup } = record;
  const parts = Object.entries(record.others).map(([name, value]) => fold(label(name), [blockText(jsonBlock(value))]));
  if (backup === undefined) return parts;
  const proof = `${escapeMarkdown(backup.id)}: ${escapeMarkdown(describeProof(backup))}`;
  return [fold('backup and proof', [proof]), ...parts];
}

function fold(title: string, parts: readonly string[]): string {
  return [`<details><summary>${escapeMarkdown(label(title))}</summary>`, ...parts, '</details>'].join('\n\n');
}

function closing(report: Report): string {
  const release = report.subject.release === undefined ? '' : `, release ${report.subject.release}`;
  return `_${escapeMarkdown(`${report.action}${release}, ${report.startedAt} to ${report.finishedAt}`)}_`;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case 'text':
      return block.text.split('\n').map(escapeMarkdown).join('  \n');
    case 'code':
      return fenceMarkdown(block.text);
    case 'table':
      return tableText(block.columns, block.rows);
  }
}

function tableText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cells = rows.map((row) => line(columns.map((_, index) => escapeMarkdown(row[index] ?? ''))));
  return [line(columns.map(escapeMarkdown)), line(columns.map(() => '---')), ...cells].join('\n');
}

/** Whole parts only: half a table or an open fold would swallow what follows. */
function within(maxBytes: number, parts: readonly string[]): string {
  const kept: string[] = [];
  let left = maxBytes;
  for (const part of parts) {
    left -= Buffer.byteLength(part) + 2;
    if (left < 0) {
      kept.push('_The rest did not fit; it is in the JSON report._');
      break;
    }
    kept.push(part);
  }
  return `${defuseCommands(kept.join('\n\n'))}\n`;
}
