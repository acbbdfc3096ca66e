import type { Severity } from '../core/finding.ts';
import { type Alert, firstLine, headline } from './alert.ts';
import { oneLine } from './one-line.ts';

/** A text of Slack's markup, in which nothing becomes a link or a mention by itself. */
interface Markup {
  readonly type: 'mrkdwn';
  readonly text: string;
  readonly verbatim: true;
}

type Block =
  | { readonly type: 'header'; readonly text: { readonly type: 'plain_text'; readonly text: string } }
  | { readonly type: 'section'; readonly text: Markup }
  | { readonly type: 'context'; readonly elements: readonly [Markup] };

/** The body of a POST to an incoming webhook. */
export interface SlackMessage {
  /** What notifications show, and programs that know no blocks. */
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly unfurl_links: false;
  readonly unfurl_media: false;
}

/** Slack refuses headers over 150, sections over 3000, and more than 50 blocks. The rest is what somebody reads. */
const MAX = { text: 3000, header: 150, fact: 500, detail: 2000, context: 500, link: 1500, details: 40 };
/** A message whose blocks have about 13,200 characters together is refused; that limit is published nowhere. */
const MAX_CHARACTERS = 12_000;
/** What the block takes that tells how many details are missing. */
const NOTE_CHARACTERS = 200;

const MARKS: Readonly<Record<Severity, string>> = { critical: '🚨', high: '🔴', medium: '🟠', low: '🟡', info: '🔵' };

/**
 * An alert as a message of Slack: a header, what is live and what to do, then details, as many as fit. Pure. No text of
 * the alert becomes a mention, a link or a line of its own.
 */
export function slackMessage(alert: Alert): SlackMessage {
  const { severity, live, todo, details } = alert;
  const mark = `${MARKS[severity]} `;
  const header: Block = {
    type: 'header',
    text: { type: 'plain_text', text: mark + safe(headline(alert), MAX.header - mark.length) },
  };
  const facts = section(
    [`*Severity:* ${severity}`, `*Live:* ${safe(live, MAX.fact)}`, `*To do:* ${safe(todo, MAX.fact)}`].join('\n'),
  );
  const ending = [...linkTo(alert.url), context(describe(alert))];
  const room = MAX_CHARACTERS - sizeOf([header, facts, ...ending]) - NOTE_CHARACTERS;
  return {
    text: safe(firstLine(alert), MAX.text),
    blocks: [header, facts, ...fitting(details, room), ...ending],
    unfurl_links: false,
    unfurl_media: false,
  };
}

/** Details in their order until the room is used up. The first one, the whole story, always fits. */
function fitting(details: readonly string[], room: number): Block[] {
  const blocks: Block[] = [];
  for (const detail of details.slice(0, MAX.details)) {
    const next = section(`• ${safe(detail, MAX.detail)}`);
    if (sizeOf([...blocks, next]) > room) break;
    blocks.push(next);
  }
  const missing = details.length - blocks.length;
  return missing === 0 ? blocks : [...blocks, context(`… and ${missing} more: see the report`)];
}

function describe({ project, environment, release, reason, at }: Alert): string {
  const parts = [project, environment, release, reason, at].filter((part) => part !== undefined);
  return safe(parts.join(' · '), MAX.context);
}

/** Nothing unless the address is one that may be followed. */
function linkTo(url: string | undefined): Block[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { protocol, username, password, href } = new URL(url);
  const link = escaped(href).replaceAll('|', '%7C');
  const isFit = protocol === 'https:' && username === '' && password === '' && link.length <= MAX.link;
  return isFit ? [section(`<${link}|Open the run>`)] : [];
}

function section(text: string): Block {
  return { type: 'section', text: { type: 'mrkdwn', text, verbatim: true } };
}

function context(text: string): Block {
  return { type: 'context', elements: [{ type: 'mrkdwn', text, verbatim: true }] };
}

function sizeOf(blocks: readonly Block[]): number {
  return JSON.stringify(blocks).length;
}

/** One line of at most `max` UTF-16 units that shows a text as it is; never cut within an entity or a character. */
function safe(text: string, max: number): string {
  const whole = escaped(defuse(oneLine(text)));
  if (whole.length <= max) return whole;
  return `${whole.slice(0, max - 1).replace(/&[a-z]*$|[\ud800-\udbff]$/, '')}…`;
}

/** What takes the same messages may read `@channel` and Markdown's links, which Slack does not. */
function defuse(text: string): string {
  return text.replace(/(?<![A-Za-z0-9])@(?=\w)/g, '@ ').replaceAll('](', '] (');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Slack undoes these three, and no others. */
function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character] ?? '');
}
