import { Buffer } from 'node:buffer';
import type { Mask } from './text.ts';

/** Shorter values would mask half of every text, and tell their length by it. */
const MIN_LENGTH = 4;
const MASKED = '***';

/**
 * A function that replaces every secret by `***`: as it is, each line of a long one, and its JSON-escaped, URL-encoded
 * and base64 forms. Values under 4 characters are left. `secretValues` is name to value; the names are not used.
 */
export function createMask(secretValues: Readonly<Record<string, string>>): Mask {
  const forms = secretForms(secretValues);
  if (forms.length === 0) return (text) => text;
  const pattern = new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
  return (text) => text.replace(pattern, MASKED);
}

/**
 * Every text by which one of the secrets could be read: what createMask replaces, and what a runner is told to replace.
 * Longest first: where one secret holds another, nothing of the longer one may stay.
 */
export function secretForms(secretValues: Readonly<Record<string, string>>): readonly string[] {
  const forms = new Set<string>();
  for (const value of Object.values(secretValues)) {
    for (const part of [value, value.trim(), ...value.split(/\r\n|\r|\n/).map((line) => line.trim())]) {
      for (const form of formsOf(part)) forms.add(form);
    }
  }
  return [...forms].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
}

/** The names of secrets that are too short to be masked without blanking half of every text. */
export function unmaskable(secretValues: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(secretValues)
    .filter(([, value]) => value.length > 0 && formsOf(value).length === 0)
    .map(([name]) => name);
}

function formsOf(value: string): string[] {
  if (value.length < MIN_LENGTH) return [];
  const wellFormed = value.toWellFormed();
  const uri = encodeURIComponent(wellFormed);
  const json = JSON.stringify(value).slice(1, -1);
  const forms = [
    value,
    json,
    json.replaceAll('/', '\\/'),
    uri,
    uri.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    uri.replaceAll('%20', '+'),
    encodeURI(wellFormed),
    new URLSearchParams([['', wellFormed]]).toString().slice(1),
    ...base64Forms(value),
  ];
  return forms.filter((form) => form.length >= MIN_LENGTH);
}

/**
 * A secret within a longer text (`user:secret` of HTTP) lies at one of three offsets of the base64 grid. For each, the
 * characters that depend on the secret alone.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  const forms = [bytes.toString('base64'), bytes.toString('base64url')];
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + bytes.length) * 8) / 6);
    const inner = encoded.slice(first, last);
    // Few characters are chance, not the secret.
    if (inner.length >= 2 * MIN_LENGTH) forms.push(inner, inner.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
