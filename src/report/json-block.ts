import type { Block } from '../core/action.ts';
import type { Json } from './record.ts';

/** More rows than this are for machines; the JSON report has them all. */
const MAX_ROWS = 100;
const MAX_COLUMNS = 8;

/**
 * A member of a record as something a renderer can show, whatever its shape: a list of objects becomes a table with
 * the members as columns, an object a table of two columns, a list of plain values one line each.
 */
export function jsonBlock(value: Json): Block {
  if (Array.isArray(value)) return listBlock(value);
  if (typeof value === 'object' && value !== null) {
    const rows = Object.entries(value).map(([key, member]) => [label(key), cell(member)]);
    return { kind: 'table', columns: ['', ''], rows: shorten(rows) };
  }
  return { kind: 'text', text: cell(value) };
}

/** `wrongAnswers` and `wrong-answers` as a title: `Wrong answers`. */
export function label(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[-_]+/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function listBlock(items: readonly Json[]): Block {
  const columns = new Set<string>();
  for (const item of items) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      return { kind: 'text', text: shorten(items.map((each) => [cell(each)])).join('\n') || 'none' };
    }
    for (const key of Object.keys(item)) columns.add(key);
  }
  if (columns.size === 0) return { kind: 'text', text: 'none' };
  const keys = [...columns].slice(0, MAX_COLUMNS);
  const rows = items.map((item) => {
    const members = new Map(Object.entries(item ?? {}));
    return keys.map((key) => cell(members.get(key)));
  });
  return { kind: 'table', columns: keys.map(label), rows: shorten(rows) };
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(', ');
  return JSON.stringify(value);
}

function shorten(rows: string[][]): string[][] {
  if (rows.length <= MAX_ROWS) return rows;
  return [...rows.slice(0, MAX_ROWS), [`and ${rows.length - MAX_ROWS} more in the JSON report`]];
}
