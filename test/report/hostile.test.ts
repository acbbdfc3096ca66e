import { describe, expect, it } from '@jest/globals';
import { renderHtml } from '../../src/report/html.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderReport } from '../../src/report/terminal.ts';
import { displayWidth } from '../../src/report/width.ts';
import { HOSTILE, hostileBlocks, hostileReport } from './hostile.ts';
import { type Token, tokenizeHtml } from './tokenize-html.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OWN_COLOURS = /\u001b\[(?:1|2|7|22|27|3[1236]|39)m/g;
const CONTROL = /(?!\n)\p{Cc}/u;
const UNSEEN = /[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
/** What a runner of GitHub Actions obeys: at the start of a line, or in the old form anywhere. */
const RUNNER_COMMAND = /^\s*::|##\[/mu;
const TAGS =
  /^(?:html|head|meta|link|title|style|body|div|main|header|section|article|footer|h1|h2|h3|p|ol|ul|li|dl|dt|dd|span|code|pre|a|details|summary|table|thead|tbody|tr|th|td|svg|path|circle|rect)$/;
const VOID = new Set(['meta', 'link']);
const ATTRIBUTES =
  /^(?:lang|charset|http-equiv|content|name|rel|href|class|role|aria-hidden|aria-label|scope|open|viewBox|d|fill|fill-opacity|stroke|stroke-width|stroke-linecap|stroke-linejoin|cx|cy|r|rx|x|width|height)$/;

describe.each(HOSTILE)('a report full of %s', (_name, text) => {
  const report = hostileReport(text);
  const blocks = hostileBlocks(text);

  it.each([20, 80, 300])('is plain text of a bounded width in a terminal of %d columns without colour', (width) => {
    const written = renderReport(report, { colour: false, width, blocks });

    expect(written).not.toMatch(CONTROL);
    expect(written).not.toMatch(UNSEEN);
    expect(written).not.toMatch(RUNNER_COMMAND);
    expect(written.isWellFormed()).toBe(true);
    const lines = written.split('\n');
    // Lines of code are cut at 400 characters, not wrapped.
    expect(Math.max(...lines.map(displayWidth))).toBeLessThan(850);
    const box = lines.slice(lines.findIndex((line) => line.startsWith('╭')));
    expect(new Set(box.filter((line) => line !== '').map(displayWidth)).size).toBe(1);
  });

  it('has no escape sequence but our own colours in a terminal', () => {
    const written = renderReport(report, { colour: true, width: 80, blocks }).replace(OWN_COLOURS, '');

    expect(written).not.toMatch(CONTROL);
    expect(written).not.toMatch(RUNNER_COMMAND);
  });

  it('is HTML with the tags and attributes that we write, all closed', () => {
    const tokens = tokenizeHtml(renderHtml(report, { blocks }));

    expect(unclosed(tokens)).toEqual([]);
    for (const token of tokens) {
      if (token.kind === 'text') expect(token.text).not.toMatch(CONTROL);
      if (token.kind !== 'open') continue;
      expect(token.tag).toMatch(TAGS);
      for (const name of Object.keys(token.attributes)) expect(name).toMatch(ATTRIBUTES);
      expect(token.attributes['href'] ?? 'https://').toMatch(/^(?:https?:\/\/|data:,$)/);
    }
  });

  it('is Markdown without markup, HTML, mentions or links that we did not write', () => {
    const written = renderMarkdown(report, { blocks });
    const prose = withoutFences(written);

    expect(written).not.toMatch(CONTROL);
    expect(written).not.toMatch(UNSEEN);
    expect(written).not.toMatch(RUNNER_COMMAND);
    expect(withoutOwnMarkup(prose)).not.toMatch(/(?<!\\)[<`~$[]/);
    expect(prose).not.toMatch(/@|:\/\/|www\.|(?<!\\)\]\(/);
    expect(prose.match(/^<details>/gm)?.length).toBe(prose.match(/^<\/details>/gm)?.length);
    expect(prose.match(/^#+ /gm)?.length).toBe(2);
    for (const rows of tablesOf(prose)) expect(new Set(rows.map(countCells)).size).toBe(1);
    expect(Buffer.byteLength(written)).toBeLessThan(1024 * 1024);
  });

  it('is JSON that reads back as the same report', () => {
    const written = renderJson(report);

    expect(written).not.toMatch(CONTROL);
    expect(written).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(report)));
  });
});

describe('a report with very many findings', () => {
  it('stays below what a job summary may hold, with every fold closed', () => {
    const report = hostileReport('<&|`'.repeat(500));
    const many = {
      ...report,
      findings: Array.from({ length: 3000 }, (_, index) => report.findings[index % 3] ?? never()),
    };

    const written = renderMarkdown(many, { blocks: hostileBlocks('|'.repeat(90_000)) });

    expect(Buffer.byteLength(written)).toBeLessThan(1024 * 1024);
    expect(written.match(/<details>/g)?.length ?? 0).toBe(written.match(/<\/details>/g)?.length ?? 0);
    expect(written).toContain('in the JSON report');
  });
});

/** Names of tags that were opened and not closed, or closed and not opened. */
function unclosed(tokens: readonly Token[]): string[] {
  const open: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'open' && !VOID.has(token.tag)) open.push(token.tag);
    if (token.kind === 'close' && open.pop() !== token.tag) return [`closed: ${token.tag}`];
  }
  return open;
}

/** What stands outside of fenced blocks, read as CommonMark does: a fence ends with at least as many backticks. */
function withoutFences(markdown: string): string {
  const kept: string[] = [];
  let fence = '';
  for (const line of markdown.split('\n')) {
    const ticks = /^(`{3,})/.exec(line)?.[1] ?? '';
    if (fence !== '') {
      if (ticks.length >= fence.length && line === ticks) fence = '';
    } else if (ticks !== '') fence = ticks;
    else kept.push(line);
  }
  expect(fence).toBe('');
  return kept.join('\n');
}

/** Escaped backslashes go too, so that a backslash that is left escapes what follows. */
function withoutOwnMarkup(prose: string): string {
  return prose.replace(/<\/?(?:details|summary)>|`holdfast [a-z -]+`|\\\\/g, '');
}

function tablesOf(markdown: string): string[][] {
  return markdown
    .split('\n\n')
    .map((part) => part.split('\n'))
    .filter((lines) => lines[0]?.startsWith('| '));
}

function countCells(row: string): number {
  return row.replace(/\\\\/g, '').match(/(?<!\\)\|/g)?.length ?? 0;
}

function never(): never {
  throw new Error('no finding');
}
