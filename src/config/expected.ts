import { z } from 'zod';
import { shapeOf } from './shape.ts';
import { listed } from './suggest.ts';
import type { Scalar, Tree } from './tree.ts';

/** Long enough to be recognised, short enough for one line. */
const MAX_SHOWN = 60;

/**
 * What a schema wants, for the middle of a sentence: `a whole number of at least 1`, `one of http, command`.
 * `value` is what was found instead, so that the rule that it breaks is the one that is told.
 */
export function expectedBy(schema: z.core.$ZodType, value?: unknown): string {
  const { inner } = shapeOf(schema);
  if (inner instanceof z.ZodNumber) return numberRange(inner);
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodEnum) return oneOf(inner.options.map(String));
  if (inner instanceof z.ZodLiteral) return oneOf([...inner.values].map(String));
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return 'a map';
  if (inner instanceof z.ZodDiscriminatedUnion) return `a map with the key ${inner.def.discriminator}`;
  if (inner instanceof z.ZodTuple || inner instanceof z.ZodArray) return 'a list';
  if (inner instanceof z.ZodUnion) return inner.options.map((option) => expectedBy(option, value)).join(' or ');
  return textRule(inner, value);
}

/** What was found, without ever showing a secret. `hide` is for places where a secret belongs. */
export function foundIn(tree: Tree | undefined, hide = false): string {
  if (tree === undefined) return 'nothing';
  if (tree.type !== 'scalar') return tree.type === 'list' ? 'a list' : 'a map';
  if (tree.secrets !== undefined && tree.secrets.length > 0)
    return `the value of the secret ${tree.secrets.join(', ')}`;
  if (tree.value === null) return 'nothing';
  if (hide) return 'a value written out';
  if (typeof tree.value !== 'string') return String(tree.value);
  return JSON.stringify(tree.value.length > MAX_SHOWN ? `${tree.value.slice(0, MAX_SHOWN)}…` : tree.value);
}

/** What to do about a value of the wrong type, where that is plain to see. */
export function typeRemedy(schema: z.core.$ZodType, scalar: Scalar): string {
  const takes = (value: unknown) => z.safeParse(schema, value).success;
  if (typeof scalar.value === 'number' || typeof scalar.value === 'boolean') {
    return takes(String(scalar.value)) ? '; put it in quotes' : '';
  }
  if (typeof scalar.value !== 'string' || scalar.flexible === true) return '';
  return coerced(scalar.value).some(takes) ? '; take the quotes away' : '';
}

/** What a text may stand for besides itself. */
export function coerced(text: string): (number | boolean)[] {
  if (text === 'true' || text === 'false') return [text === 'true'];
  return /^-?\d+(?:\.\d+)?$/.test(text) ? [Number(text)] : [];
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${listed(values)}`;
}

function numberRange(schema: z.ZodNumber): string {
  const kind = schema.isInt ? 'a whole number' : 'a number';
  const { minValue, maxValue } = schema;
  const least = minValue === null || minValue <= Number.MIN_SAFE_INTEGER ? undefined : minValue;
  const most = maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER ? undefined : maxValue;
  if (least !== undefined && most !== undefined) return `${kind} from ${least} to ${most}`;
  if (least !== undefined) return `${kind} of at least ${least}`;
  return most === undefined ? kind : `${kind} of at most ${most}`;
}

/** Asks the schema itself: our own patterns answer "expected …", zod's checks answer with their limits. */
function textRule(schema: z.core.$ZodType, value: unknown): string {
  const issue = z.safeParse(schema, typeof value === 'string' ? value : '').error?.issues[0];
  if (issue?.message.startsWith('expected ')) return issue.message.slice('expected '.length);
  if (issue?.code === 'too_small') return `text of at least ${characters(Number(issue.minimum))}`;
  if (issue?.code === 'too_big') return `text of at most ${characters(Number(issue.maximum))}`;
  if (issue?.code === 'invalid_format') {
    if (issue.format === 'starts_with')
      return `text that begins with ${JSON.stringify('prefix' in issue ? issue.prefix : '')}`;
    if (issue.format === 'url') return 'a URL like https://example.org/path';
  }
  return 'text';
}

function characters(count: number): string {
  return count === 1 ? '1 character' : `${count} characters`;
}
