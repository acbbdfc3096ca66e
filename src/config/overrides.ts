import { z } from 'zod';
import { merge, nest } from './merge.ts';
import { type Problems, problemAt } from './problem.ts';
import { FORBIDDEN_KEYS, readTree } from './read.ts';
import { knownKeys, schemasAt, shapeOf, takesStructure } from './shape.ts';

import { at, DEFAULT_PLACE, type Mapping, membersAt, type Origin, type Path, type Place, type Tree } from './tree.ts';

/** One value that was set outside of the file. */
export interface Override {
  readonly origin: Extract<Origin, { kind: 'variable' | 'set' }>;
  readonly path: readonly string[];
  readonly value: string;
  /** Why it cannot be applied, when its form is wrong already. */
  readonly malformed?: string;
}

const PREFIX = 'HOLDFAST__';

/**
 * Reads overrides from variables and from the values of `--set`, in the order in which they apply.
 *
 * `HOLDFAST__SERVICES__API__RUN__PORT=3001`: upper and lower case are the same, `__` separates, and `_` finds `-` too
 * (`DOCUMENT_WORKER` finds `document-worker`). `--set services.api.run.port=3001`: exact; a part that holds a dot
 * stands in double quotes. In both, `null` takes away, and a list or map is written as `[a, b]` or `{ a: 1 }`.
 */
export function parseOverrides(from: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly set: readonly string[];
}): Override[] {
  const variables = Object.entries(from.environment)
    .flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]))
    .filter(({ name }) => name.toUpperCase().startsWith(PREFIX))
    .map(({ name, value }) => parseVariable(name, value))
    // The longer path is the more exact word, whatever the environment's order is.
    .sort((a, b) => a.path.length - b.path.length || (a.origin.name < b.origin.name ? -1 : 1));
  return [...variables, ...from.set.map(parseSet)];
}

function parseVariable(name: string, value: string) {
  const path = name.slice(PREFIX.length).split('__');
  const origin = { kind: 'variable', name } as const;
  if (path.every((step) => step !== '')) return { origin, path, value };
  return { origin, path, value, malformed: 'a name is missing; write HOLDFAST__, then keys joined by "__"' };
}

function parseSet(text: string): Override {
  const match = /^((?:"[^"]*"|[^"=])+)=([\s\S]*)$/.exec(text);
  const key = match?.[1] ?? text.split('=')[0] ?? text;
  const origin = { kind: 'set', key } as const;
  const steps = [...key.matchAll(/(?:^|\.)(?:"([^"]*)"|([^."]*))/g)];
  const path = steps.map(([, quoted, bare]) => quoted ?? bare ?? '');
  const whole = steps.map(([part]) => part).join('') === key;
  if (match !== null && whole && path.every((step) => step !== '')) return { origin, path, value: match[2] ?? '' };
  return {
    origin,
    path: [],
    value: '',
    malformed: 'expected a path, "=" and a value, like services.api.run.port=3001',
  };
}

/** Lays the overrides over the tree, in order; what is wrong with them is added to `problems`. */
export function applyOverrides(
  schema: z.core.$ZodType,
  tree: Mapping,
  overrides: readonly Override[],
  problems: Problems,
  refusal: (path: Path) => string | undefined,
): Mapping {
  let result = tree;
  for (const override of overrides) {
    const place: Place = { ...DEFAULT_PLACE, origin: override.origin };
    const tell = (path: Path, message: string) => problems.found.push(problemAt(problems.file, place, path, message));
    if (override.malformed !== undefined) {
      tell([], override.malformed);
      continue;
    }
    const { path, schemas } = resolve(schema, result, override);
    const value = valueTree(override.value, schemas, place);
    const why = forbiddenKey(path) ?? refusal(path) ?? listInTheWay(result, path);
    if (why !== undefined) tell(path, why);
    else if (value === undefined) tell(path, 'the value is not valid YAML; write [a, b] or { a: 1 }');
    else result = merge(result, nest(path, value, place));
  }
  return result;
}

function forbiddenKey(path: Path): string | undefined {
  const key = path.find((step) => FORBIDDEN_KEYS.includes(String(step)));
  return key === undefined ? undefined : `"${key}" cannot be a key; take another name`;
}

function listInTheWay(tree: Mapping, path: Path): string | undefined {
  const list = path.findIndex((_, index) => index > 0 && at(tree, ...path.slice(0, index))?.type === 'list');
  if (list < 0) return undefined;
  return `${path.slice(0, list).join('.')} is a list, and a list is replaced as a whole: set it to [a, b]`;
}

/** Finds the keys that the steps of a variable mean, and the schemas at the end of the path. */
function resolve(schema: z.core.$ZodType, tree: Mapping, override: Override) {
  let schemas: z.core.$ZodType[] = [schema];
  const path: string[] = [];
  for (const step of override.path) {
    const present = membersAt(tree, ...path).map(([key]) => key);
    const key =
      override.origin.kind === 'set' ? step : keyFor(step, [...present, ...schemas.flatMap(knownKeys)], schemas);
    schemas = schemas.flatMap((possible) => schemasAt(possible, key));
    path.push(key);
  }
  return { path, schemas };
}

function keyFor(step: string, known: readonly string[], schemas: readonly z.core.$ZodType[]): string {
  if (known.includes(step)) return step;
  const same = (key: string) => key.toLowerCase().replaceAll('-', '_');
  const found = known.find((key) => same(key) === same(step));
  if (found !== undefined) return found;
  const records = schemas.map((schema) => shapeOf(schema).inner).filter((inner) => inner instanceof z.ZodRecord);
  // A new key of the user's: as it is written where that is allowed (PORT in `env`), else as names are.
  if (records.some(({ keyType }) => z.safeParse(keyType, step).success)) return step;
  return records.length > 0 ? step.toLowerCase().replaceAll('_', '-') : step.toLowerCase();
}

/** Flow YAML where a list or a map is wanted; everything else is text. Undefined when the YAML is broken. */
function valueTree(text: string, schemas: readonly z.core.$ZodType[], place: Place): Tree | undefined {
  if (text === 'null') return { type: 'scalar', value: null, place };
  if (!/^\s*[[{]/.test(text) || !schemas.some(takesStructure)) {
    return { type: 'scalar', value: text, place, flexible: true };
  }
  const { root, problems } = readTree(new TextEncoder().encode(`value: ${text}`), 'value');
  const value = at(root, 'value');
  return value === undefined || problems.length > 0 ? undefined : relocate(value, place);
}

function relocate(tree: Tree, place: Place): Tree {
  if (tree.type === 'scalar') return { ...tree, place };
  if (tree.type === 'list') return { ...tree, place, items: tree.items.map((item) => relocate(item, place)) };
  const entries = [...tree.entries].map(
    ([key, entry]) => [key, { key: place, value: relocate(entry.value, place) }] as const,
  );
  return { ...tree, place, entries: new Map(entries) };
}
