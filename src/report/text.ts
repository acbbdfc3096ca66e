/**
 * The one sanitising layer under all renderers. Every text of a report may come from outside: a version, the output
 * of a command, the answer of a service. Renderers are handed clean texts and only add the escaping of their medium.
 */

/** Replaces secrets by `***`; see mask.ts. */
export type Mask = (text: string) => string;

/** Longer texts are cut; what is left still tells what it was. */
const MAX_TEXT = 2000;
/** A line that nobody can read is not worth the megabytes. */
const MAX_CODE_LINE = 400;
const MAX_CODE = 20_000;

// Each alternative stops at the next escape byte, so that the time is linear in the length of the text.
const ANSI = new RegExp(
  [
    // Strings with an end: titles, links, device control. Without their end only the introducer goes.
    '(?:\\u001b[\\]PX^_]|[\\u0090\\u0098\\u009d-\\u009f])[^\\u0007\\u001b\\u0090\\u0098\\u009c-\\u009f]{0,4096}(?:\\u0007|\\u001b\\\\|\\u009c)',
    // Colours, cursor, erasing.
    '(?:\\u001b\\[|\\u009b)[0-?]{0,64}[ -/]{0,8}[@-~]',
    '\\u001b[ -/]{0,8}[0-~]',
  ].join('|'),
  'gu',
);
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029]/g;
/** Control bytes but the line feed; marks that turn the direction of text; characters that nobody sees. */
const UNSEEN =
  /(?!\n)\p{Cc}|[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
/** Marks stacked without end paint over the lines around them. */
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu;

/**
 * A text without escape sequences, control bytes (but line feeds), direction marks, unseen characters and lone
 * surrogates; what was removed within words stays visible as `\ufffd`. Tabs become two spaces, and `##[`, with which a runner
 * of GitHub Actions takes commands anywhere in a line, is broken up. Calling twice changes nothing.
 */
export function plainText(text: string): string {
  return text
    .toWellFormed()
    .replace(LINE_ENDS, '\n')
    .replace(ANSI, '')
    .replaceAll('\t', '  ')
    .replace(UNSEEN, '\ufffd')
    .replace(STACKED_MARKS, '$1')
    .replaceAll('##[', '# #[');
}

/** A clean text of readable length, secrets masked before and after: removing bytes can bring a secret together. */
export function cleanText(text: string, mask: Mask): string {
  return cut(mask(plainText(mask(text))), MAX_TEXT);
}

/** Clean text whose lines are kept: output of a command, a diff. */
export function cleanCode(text: string, mask: Mask): string {
  const lines = mask(plainText(mask(text))).split('\n');
  return cut(lines.map((line) => cut(line, MAX_CODE_LINE)).join('\n'), MAX_CODE);
}

/** Everything on one line, white space run together: for tables, titles and sentences. */
export function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

/** At most `max` UTF-16 units and a note of how much is missing. Never cuts a character in two. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const kept = text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
  return `${kept}… (${text.length - kept.length} more characters)`;
}

/**
 * Plain text that a runner of GitHub Actions reads as output only: it takes `::name::` at the start of a line for a
 * command. Apply to whole lines, after wrapping, colours included.
 */
export function defuseCommands(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colour codes may stand before the text
  return text.replace(/^((?:[^\S\n]|\u001b\[\d+m)*):(?=:)/gmu, '$1: ');
}

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text and for quoted attributes of HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML[character] ?? '');
}

/**
 * One line of GitHub's Markdown that shows the text as it is, in paragraphs, list items and table cells:
 * no markup, no HTML, no mention, no link that we did not write.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[&<>]/g, (character) => HTML[character] ?? '')
    .replace(/[\\`*_[\]#|~$]/g, '\\$&')
    .replace(/:(?=\/\/|:)/g, '&#58;')
    .replace(/www\./gi, (match) => `${match.slice(0, 3)}&#46;`)
    .replaceAll('@', '&#64;')
    .replace(/^([-+=])/, '\\$1')
    .replace(/^(\d+)([.)])(?= |$)/, '$1\\$2');
}

/** A fenced block of Markdown; the fence is longer than any run of backticks within. */
export function fenceMarkdown(text: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}
