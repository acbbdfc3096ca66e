import pc from 'picocolors';
import type { Block } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import type { Finding } from '../core/finding.ts';
import { RELEASE_REASONS as REASONS, type Report } from '../core/report.ts';
import { cleanBlocks, cleanReport, type RenderOptions } from './clean.ts';
import { describeProof, describeWrites, type KnownRecord, readRecord } from './record.ts';
import { type Advice, describeCounts, findingsThatMatter, type Story, tellStory } from './story.ts';
import { defuseCommands, oneLine } from './text.ts';
import { layOutTable } from './text-table.ts';
import { displayWidth, padWidth, wrapWidth } from './width.ts';

export interface TerminalOptions extends RenderOptions {
  readonly colour: boolean;
  /** Columns of the terminal; 0 when it does not know. */
  readonly width: number;
}

type Colours = ReturnType<typeof pc.createColors>;

/** Longer lines are hard to read, however wide the terminal is. */
const MAX_WIDTH = 100;
const MIN_WIDTH = 24;
const DEFAULT_WIDTH = 80;
/** More than these are a list to search in, not to read. */
const MAX_FINDINGS = 20;

/**
 * A report for a terminal: findings that somebody must read, what the action shows of its record, and at the end one
 * box with what is live, what was decided and why, what to do next. Without colour it is pure text. Ends with a line feed.
 */
export function renderReport(report: Report, options: TerminalOptions): string {
  const clean = cleanReport(report, options.mask);
  const record = readRecord(clean);
  const story = tellStory(clean, record);
  const colours = pc.createColors(options.colour);
  const width = Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, options.width || DEFAULT_WIDTH));
  const blocks = cleanBlocks(options.blocks ?? [], options.mask);
  const sections = [
    findingLines(clean.findings, width, colours),
    ...blocks.map((block) => blockLines(block, width, colours)),
    hasBox(story, clean, record)
      ? boxLines(story, clean, record, width, colours)
      : verdictLines(story, clean, width, colours),
  ];
  const text = sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
  return `${defuseCommands(text)}\n`;
}

function findingLines(findings: readonly Finding[], width: number, colours: Colours): string[] {
  const matter = findingsThatMatter(findings);
  const lines = matter.slice(0, MAX_FINDINGS).flatMap((finding) => oneFinding(finding, width, colours));
  if (matter.length > MAX_FINDINGS) lines.push(`  … and ${matter.length - MAX_FINDINGS} more in the JSON report`);
  return lines;
}

const MARKS = { pass: '✓', warn: '!', fail: '✗', skipped: '-', unknown: '?' } as const;

function oneFinding(finding: Finding, width: number, colours: Colours): string[] {
  const { outcome } = finding;
  const paint = outcome === 'fail' ? colours.red : colours.yellow;
  const [first = '', ...more] = wrapWidth(oneLine(finding.check), width - 12);
  const where = `${finding.layer}, ${finding.severity}`;
  const title = `${paint(`${MARKS[outcome]} ${outcome.padEnd(7)}`)}  ${colours.bold(first)}`;
  const fits = more.length === 0 && displayWidth(first) + displayWidth(where) + 14 <= width;
  return [
    fits ? `${title}  ${colours.dim(where)}` : title,
    ...more.map((line) => `${' '.repeat(11)}${colours.bold(line)}`),
    ...hanging(finding.message, width),
    ...(finding.remedy === undefined ? [] : hanging(finding.remedy, width, '→ ').map((line) => colours.cyan(line))),
    ...(finding.path === undefined ? [] : hanging(`asked by ${finding.path}`, width).map((line) => colours.dim(line))),
  ];
}

function hanging(text: string, width: number, mark = ''): string[] {
  const lines = wrapWidth(oneLine(text), width - 11 - mark.length);
  return lines.map((line, index) => `${' '.repeat(11)}${index === 0 ? mark : ' '.repeat(mark.length)}${line}`);
}

function blockLines(block: Block, width: number, colours: Colours): string[] {
  switch (block.kind) {
    case 'text':
      return wrapWidth(block.text, width);
    case 'code':
      return block.text.split('\n').map((line) => `  ${line}`);
    case 'table':
      return layOutTable(block.columns, block.rows, width).map((line, index) =>
        index === 0 && block.columns.some((column) => column !== '') ? colours.dim(line) : line,
      );
  }
}

const RELEASE_REASONS: ReadonlySet<string> = new Set(REASONS);

/** A verdict over something live deserves the box; `config check` that found nothing does not. */
function hasBox(story: Story, report: Report, record: KnownRecord): boolean {
  const isAlarming = story.tone === 'bad' || story.tone === 'unsafe';
  return isAlarming || story.live !== undefined || record.steps.length > 0 || RELEASE_REASONS.has(report.reason);
}

function verdictLines(story: Story, report: Report, width: number, colours: Colours): string[] {
  const mark = story.tone === 'good' ? colours.green('✓') : colours.yellow('!');
  const lines = wrapWidth(oneLine(report.summary), width - 2);
  return [
    ...lines.map((line, index) => `${index === 0 ? mark : ' '} ${line}`),
    ...story.next.flatMap((advice) => wrapWidth(`→ ${adviceText(advice)}`, width - 2).map((line) => `  ${line}`)),
  ];
}

const FRAMES = { plain: '╭─╮│╰╯', unsafe: '╔═╗║╚╝' } as const;

function boxLines(story: Story, report: Report, record: KnownRecord, width: number, colours: Colours): string[] {
  const [topLeft, across = '', topRight, side, bottomLeft, bottomRight] =
    story.tone === 'unsafe' ? FRAMES.unsafe : FRAMES.plain;
  const paint = paintOf(story, colours);
  const inner = width - 4;
  const rows = facts(story, report, record).flatMap(([name, text]) => factLines(name, text, inner));
  const title = wrapWidth(story.verdict.toUpperCase(), inner);
  const rule = (left = '', right = '') => paint(`${left}${across.repeat(width - 2)}${right}`);
  const line = (text: string, style: (text: string) => string = (plain) => plain) =>
    `${paint(side ?? '')} ${style(padWidth(text, inner))} ${paint(side ?? '')}`;
  const loud = story.tone === 'unsafe' ? (text: string) => colours.inverse(colours.bold(colours.red(text))) : paint;
  return [
    rule(topLeft, topRight),
    ...title.map((text) => line(text, loud)),
    ...wrapWidth(story.about, inner).map((text) => line(text, colours.dim)),
    line(''),
    ...rows.map((text) => line(text)),
    rule(bottomLeft, bottomRight),
  ];
}

function paintOf(story: Story, colours: Colours): (text: string) => string {
  switch (story.tone) {
    case 'good':
      return colours.green;
    case 'caution':
      return colours.yellow;
    case 'bad':
    case 'unsafe':
      return colours.red;
  }
}

function facts(story: Story, report: Report, record: KnownRecord): [string, string][] {
  const took = Date.parse(report.finishedAt) - Date.parse(report.startedAt);
  const rows: [string, string][] = [];
  if (story.live !== undefined) rows.push(['Live', story.live]);
  rows.push(['Decided', story.decided.join(' ')]);
  const counts = describeCounts(report.findings);
  if (counts !== '') rows.push(['Checks', counts]);
  if (record.backup !== undefined)
    rows.push(['Backup', `${oneLine(record.backup.id)}. ${describeProof(record.backup)}`]);
  const writes = describeWrites(record);
  if (writes !== undefined) rows.push(['Writes', oneLine(writes)]);
  for (const [index, advice] of story.next.entries()) rows.push([index === 0 ? 'Next' : '', adviceText(advice)]);
  if (took >= 0) rows.push(['Took', formatDuration(took)]);
  return rows;
}

function factLines(name: string, text: string, columns: number): string[] {
  return wrapWidth(text, columns - 9).map((line, index) => `${(index === 0 ? name : '').padEnd(9)}${line}`);
}

/** `See what answers now: holdfast status`. */
export function adviceText({ text, command }: Advice): string {
  return command === undefined ? text : `${text}: ${command}`;
}
