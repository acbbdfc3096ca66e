import { z } from 'zod';

/**
 * The structure of a JSON value without any of its values: the types seen at each path. Items of arrays are merged
 * under `[]`, members whose names are data under `*`. `absent` stands beside the types of what only some items have.
 */
export const Shape = z.record(z.string(), z.array(z.string()));
export type Shape = z.infer<typeof Shape>;

export interface ShapeDifference {
  readonly severity: 'fail' | 'warn';
  /** Fits after "the answer": `lacks $.policies[].id`. */
  readonly text: string;
}

/** Deeper and larger than answers that a program reads field by field. */
const MAX_DEPTH = 12;
const MAX_PATHS = 500;
/** From this many members of one type on, an object is a table and its keys are data. */
const TABLE_KEYS = 20;

/** `{policies: [{id: 'p-1'}, {id: 'p-2', note: null}]}` becomes `$: object, $.policies: array, $.policies[]: object, …`. */
export function shapeOf(value: unknown): Shape {
  const shape: Record<string, string[]> = {};
  addShape(shape, '$', [value], 0);
  return shape;
}

function addShape(shape: Record<string, string[]>, path: string, values: readonly unknown[], depth: number): void {
  if (Object.keys(shape).length >= MAX_PATHS) return;
  shape[path] = [...new Set(values.map(typeOf))].sort();
  if (depth >= MAX_DEPTH) return;
  const items = values.filter((value) => Array.isArray(value)).flat();
  if (items.length > 0) addShape(shape, `${path}[]`, items, depth + 1);
  const objects = values.filter((value) => isObject(value));
  for (const [key, members] of membersOf(objects)) {
    const child = `${path}.${key}`;
    addShape(shape, child, members, depth + 1);
    if (key !== '*' && members.length < objects.length) shape[child]?.push('absent');
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function membersOf(objects: readonly object[]): Map<string, unknown[]> {
  const members = new Map<string, unknown[]>();
  for (const object of objects) {
    const entries = Object.entries(object);
    const isTable = entries.length >= TABLE_KEYS && new Set(entries.map(([, value]) => typeOf(value))).size === 1;
    for (const [key, value] of entries) {
      const name = isTable || !isFieldName(key) ? '*' : key;
      members.set(name, [...(members.get(name) ?? []), value]);
    }
  }
  return members;
}

/**
 * Whether a key reads like the name of a field that a programmer wrote. Everything else (ids, mail addresses, dates,
 * names of people with spaces or dots) may be data of a user and is not kept.
 */
export function isFieldName(key: string): boolean {
  if (!/^[A-Za-z_$@][A-Za-z0-9_-]{0,39}$/.test(key)) return false;
  const digits = key.replace(/[^0-9]/g, '').length;
  const looksHex = /^[0-9a-f-]{8,}$/i.test(key) && digits > 0;
  return digits <= 4 && !looksHex;
}

/** What a program that reads `expected` would trip over in `found` (fail), and what is new there (warn). */
export function compareShapes(expected: Shape, found: Shape): ShapeDifference[] {
  const differences: ShapeDifference[] = [];
  for (const [path, types] of Object.entries(expected)) {
    const now = found[path];
    if (now === undefined) {
      if (isMissing(path, types, found)) differences.push({ severity: 'fail', text: `lacks ${path}` });
      continue;
    }
    differences.push(...compareTypes(path, types, now));
  }
  for (const path of Object.keys(found)) {
    const parent = parentOf(path);
    const isNew = expected[path] === undefined && parent !== undefined && expected[parent]?.includes('object') === true;
    if (isNew && !path.endsWith('.*') && !path.endsWith('[]'))
      differences.push({ severity: 'warn', text: `has ${path}, which is new` });
  }
  return differences;
}

/** Only the topmost missing path counts, and none below an array that happens to be empty or a table without rows. */
function isMissing(path: string, types: readonly string[], found: Shape): boolean {
  const parent = parentOf(path);
  if (parent === undefined || path.endsWith('[]') || path.endsWith('.*') || types.includes('absent')) return false;
  return found[parent]?.includes('object') === true;
}

function compareTypes(path: string, expected: readonly string[], found: readonly string[]): ShapeDifference[] {
  const known = expected.filter((type) => type !== 'null' && type !== 'absent');
  const differences: ShapeDifference[] = [];
  for (const type of found) {
    if (expected.includes(type)) continue;
    if (type === 'absent') differences.push({ severity: 'warn', text: `lacks ${path} in some items` });
    // Which rows a list holds differs from day to day, and with them which fields are empty.
    else if (type === 'null' && path.includes('[]'))
      differences.push({ severity: 'warn', text: `has null at ${path} in some items` });
    // Where only null was seen, the type is not known.
    else if (known.length > 0)
      differences.push({ severity: 'fail', text: `has ${nameType(type)} at ${path} instead of ${known.join(' or ')}` });
  }
  return differences;
}

function nameType(type: string): string {
  if (type === 'null') return 'null';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function parentOf(path: string): string | undefined {
  if (path === '$') return undefined;
  return path.endsWith('[]') ? path.slice(0, -2) : path.slice(0, path.lastIndexOf('.'));
}
