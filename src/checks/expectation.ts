import { canonicalJson } from '../core/canonical-json.ts';
import { parseJson, readJsonPath } from '../core/json-path.ts';
import type { Answer } from './probe.ts';
import type { Expectation } from './settings.ts';

/**
 * What an answer lacks of what is expected, each fit to follow "the answer": `has status 500 instead of 200`. Empty when
 * all is as expected. Values of the answer are described, not quoted: they may be somebody's data.
 */
export function unmetExpectations(answer: Answer, expected: Expectation): string[] {
  const unmet: string[] = [];
  if (!isExpectedStatus(answer.status, expected)) {
    unmet.push(`has status ${answer.status} instead of ${describeStatus(expected)}`);
  }
  for (const [name, value] of Object.entries(expected.headers)) {
    const found = answer.headers[name.toLowerCase()];
    if (found !== value)
      unmet.push(found === undefined ? `lacks the header ${name}` : `has another value in the header ${name}`);
  }
  const json = parseJson(answer.body);
  for (const [path, value] of Object.entries(expected.json)) {
    const found = readJsonPath(json, path);
    if (found === undefined) unmet.push(json === undefined ? 'is not JSON' : `has nothing at ${path}`);
    else if (canonicalJson(found) !== canonicalJson(value)) {
      unmet.push(`has ${describe(found)} at ${path} instead of ${JSON.stringify(value)}`);
    }
  }
  if (expected.contains !== undefined && !answer.body.includes(expected.contains)) {
    unmet.push(`does not hold the text ${JSON.stringify(expected.contains)}`);
  }
  return [...new Set(unmet)];
}

/** Any status below 400 counts where none is named. */
export function isExpectedStatus(status: number, { status: expected }: Pick<Expectation, 'status'>): boolean {
  if (expected === undefined) return status < 400;
  return typeof expected === 'number' ? status === expected : expected.includes(status);
}

function describeStatus({ status }: Expectation): string {
  if (status === undefined) return 'one below 400';
  return typeof status === 'number' ? String(status) : status.join(' or ');
}

function describe(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return 'another text';
  return Array.isArray(value) ? `a list of ${value.length}` : 'an object';
}
