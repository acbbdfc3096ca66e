import type { Report } from '../core/report.ts';
import { maskReport } from './clean.ts';
import { type Mask, plainText } from './text.ts';

/**
 * One report as JSON: members in the order of the contract, those of `record` and `measured` by name, two spaces, one
 * line feed at the end. Nothing is cut; characters that a terminal would obey are written as `\uXXXX`.
 * Texts are masked, not the bytes of the document: a secret that looks like a number cannot break it.
 */
export function renderJson(report: Report, options: { readonly mask?: Mask | undefined } = {}): string {
  const { mask } = options;
  const masked = mask === undefined ? report : maskReport(report, (text) => maskThrough(text, mask));
  const { schema, action, subject, decision, reason, summary, findings, record, startedAt, finishedAt } = masked;
  const ordered = {
    schema,
    action,
    subject: inOrder(subject, ['project', 'environment', 'release', 'version']),
    decision,
    reason,
    summary,
    findings: findings.map((finding) => inOrder(finding, FINDING)),
    record: record === undefined ? undefined : sorted(record),
    startedAt,
    finishedAt,
  };
  return `${escapeUnseen(JSON.stringify(ordered, undefined, 2))}\n`;
}

const FINDING = ['check', 'layer', 'outcome', 'severity', 'message', 'measured', 'remedy', 'path', 'references'];

function inOrder(members: object, order: readonly string[]): object {
  const known = new Map(Object.entries(members));
  return Object.fromEntries(order.map((key) => [key, sorted(known.get(key))]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

/** Keeps the text as it is where that hides every secret; one that escape sequences cut in two is found without them. */
function maskThrough(text: string, mask: Mask): string {
  const masked = mask(text);
  const plain = plainText(masked);
  const again = mask(plain);
  return again === plain ? masked : again;
}

/** JSON itself leaves DEL, the C1 control bytes, direction marks and line separators as they are. */
function escapeUnseen(json: string): string {
  return json.replace(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
