import { z } from 'zod';
import { coerced, expectedBy, foundIn, typeRemedy } from './expected.ts';
import { type Problems, problemAt } from './problem.ts';
import { kindsOf, knownKeys, type Shape, shapeOf } from './shape.ts';
import { closest, listed, meant } from './suggest.ts';
import {
  DEFAULT_PLACE,
  type Entry,
  type List,
  type Mapping,
  type Path,
  type Place,
  type Scalar,
  type Tree,
  type Value,
} from './tree.ts';

/** A part of the tree with what the messages need: its path, and where to point when it is absent. */
interface Part {
  readonly path: Path;
  readonly key: Place;
  readonly problems: Problems;
}

/**
 * Holds a tree against a schema and answers the tree that the schema will accept: texts of substitutions and overrides
 * as numbers or booleans where those are wanted, nulls taken out, defaults filled in. Everything that is wrong is added
 * to `problems`, at its place; wrong values stay in the tree, so that further rules do not take them for missing.
 */
export function conform(schema: z.core.$ZodType, root: Mapping, problems: Problems): Mapping {
  const tree = conformPart(schema, root, { path: [], key: root.place, problems });
  return tree.type === 'map' ? tree : root;
}

function conformPart(schema: z.core.$ZodType, tree: Tree, part: Part): Tree {
  const shape = shapeOf(schema);
  const { inner } = shape;
  if (tree.type === 'scalar' && tree.broken === true) return tree;
  if (inner instanceof z.ZodLazy) return tree;
  if (inner instanceof z.ZodDiscriminatedUnion) return conformKind(inner, tree, part);
  if (inner instanceof z.ZodUnion) return conformUnion(inner, shape, tree, part);
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) {
    if (tree.type !== 'map') return wrong(shape, tree, part);
    return inner instanceof z.ZodObject ? conformObject(inner, tree, part) : conformRecord(inner, tree, part);
  }
  if (inner instanceof z.ZodArray || inner instanceof z.ZodTuple) {
    return tree.type === 'list' ? conformList(inner, tree, part) : wrong(shape, tree, part);
  }
  return tree.type === 'scalar' ? conformScalar(shape, tree, part) : wrong(shape, tree, part);
}

const MERGE_KEY = 'unknown key; merge keys are not read: write the values out, or put what differs into an environment';

function conformObject(schema: z.ZodObject, tree: Mapping, part: Part): Mapping {
  const entries = new Map<string, Entry>();
  const known = Object.keys(schema.shape);
  const unknown = [...tree.entries].filter(([key]) => !known.includes(key));
  for (const [key, entry] of unknown) {
    const message = key === '<<' ? MERGE_KEY : `unknown key; ${meant(key, known, 'remove it')}`;
    tell({ ...part, path: [...part.path, key] }, entry.key, message);
  }
  const misspelt = unknown.map(([key]) => closest(key, known));
  for (const [key, member] of Object.entries(schema.shape)) {
    const entry = tree.entries.get(key);
    const path = [...part.path, key];
    const shape = shapeOf(member);
    if (entry !== undefined && !(isNull(entry.value) && shape.optional)) {
      entries.set(key, { key: entry.key, value: conformPart(member, entry.value, { ...part, path, key: entry.key }) });
    } else if (shape.defaultInput !== undefined) {
      const value = conformPart(member, treeOf(shape.defaultInput), { ...part, path });
      entries.set(key, { key: DEFAULT_PLACE, value });
    } else if (!shape.optional && !misspelt.includes(key)) {
      const about = shape.description === undefined ? '' : ` (${lowerFirst(shape.description)})`;
      tell({ ...part, path }, part.key, `missing; expected ${expectedBy(member)}${about}`);
    }
  }
  return { ...tree, entries, ...(unknown.length > 0 ? { doubtful: true } : {}) };
}

function conformRecord(schema: z.ZodRecord, tree: Mapping, part: Part): Mapping {
  const entries = new Map<string, Entry>();
  for (const [key, entry] of tree.entries) {
    const path = [...part.path, key];
    if (isNull(entry.value) && entry.key.origin.kind !== 'file' && !z.safeParse(schema.valueType, null).success) {
      const message = 'null takes something away, but there is nothing of this name here';
      part.problems.warnings.push(problemAt(part.problems.file, entry.key, path, message));
      continue;
    }
    if (!z.safeParse(schema.keyType, key).success) tell({ ...part, path }, entry.key, describeKey(schema.keyType, key));
    entries.set(key, {
      key: entry.key,
      value: conformPart(schema.valueType, entry.value, { ...part, path, key: entry.key }),
    });
  }
  return { ...tree, entries };
}

function describeKey(keyType: z.core.$ZodType, key: string): string {
  const { inner } = shapeOf(keyType);
  if (inner instanceof z.ZodEnum) return `unknown key; ${meant(key, inner.options.map(String), 'remove it')}`;
  return `not a usable key; expected ${expectedBy(keyType, key)}`;
}

function conformList(schema: z.ZodArray | z.ZodTuple, tree: List, part: Part): List {
  const itemSchema = (index: number) => {
    if (schema instanceof z.ZodArray) return schema.element;
    return schema.def.items[index] ?? schema.def.rest ?? z.never();
  };
  const least = schema instanceof z.ZodTuple ? schema.def.items.length : minimumLength(schema);
  if (tree.items.length < least) {
    tell(
      part,
      tree.place,
      `expected a list of at least ${least} ${least === 1 ? 'item' : 'items'}, found ${tree.items.length}`,
    );
  }
  const items = tree.items.map((item, index) =>
    conformPart(itemSchema(index), item, { ...part, path: [...part.path, index], key: item.place }),
  );
  return { ...tree, items };
}

function minimumLength(schema: z.ZodArray): number {
  const issue = z.safeParse(schema, []).error?.issues[0];
  return issue?.code === 'too_small' ? Number(issue.minimum) : 0;
}

/** `kind` decides which keys there may be, so nothing else is judged before it is right. */
function conformKind(schema: z.ZodDiscriminatedUnion, tree: Tree, part: Part): Tree {
  const kinds = kindsOf(schema);
  const names = [...kinds.keys()];
  const discriminator = schema.def.discriminator;
  if (tree.type !== 'map') {
    tell(part, tree.place, `expected a map with the key ${discriminator} (${listed(names)}), found ${foundIn(tree)}`);
    return tree;
  }
  const path = [...part.path, discriminator];
  const chosen = tree.entries.get(discriminator)?.value;
  if (chosen?.type === 'scalar' && chosen.broken === true) return tree;
  const text = chosen?.type === 'scalar' && chosen.sealed !== true ? String(chosen.value) : undefined;
  const option = text === undefined ? undefined : kinds.get(text);
  if (option !== undefined) return conformObject(option, tree, part);
  const misspelt = [...tree.entries].find(
    ([key]) => closest(key, [discriminator, ...knownKeys(schema)]) === discriminator,
  );
  if (chosen === undefined && misspelt !== undefined) {
    const [key, entry] = misspelt;
    tell({ ...part, path: [...part.path, key] }, entry.key, `unknown key; did you mean "${discriminator}"?`);
  } else if (chosen === undefined || isNull(chosen)) {
    tell({ ...part, path }, part.key, `missing; expected ${expectedKinds(names)}`);
  } else if (chosen.type !== 'scalar' || chosen.sealed !== true) {
    const remedy = text === undefined ? '' : hint(text, names);
    tell({ ...part, path }, chosen.place, `expected ${expectedKinds(names)}, found ${foundIn(chosen)}${remedy}`);
  } else if ((chosen.secrets ?? []).length > 0) {
    tell({ ...part, path }, chosen.place, `expected ${expectedKinds(names)}; it cannot come from a secret`);
  }
  return tree;
}

function expectedKinds(names: readonly string[]): string {
  return names.length === 1 ? String(names[0]) : `one of ${listed(names)}`;
}

/** One or several of the same: whatever the tree looks like decides which option is meant. */
function conformUnion(schema: z.ZodUnion, shape: Shape, tree: Tree, part: Part): Tree {
  const list = schema.options.find((option) => shapeOf(option).inner instanceof z.ZodArray);
  if (tree.type === 'list' && list !== undefined) return conformPart(list, tree, part);
  return tree.type === 'scalar' ? conformScalar(shape, tree, part) : wrong(shape, tree, part);
}

function conformScalar(shape: Shape, tree: Scalar, part: Part): Scalar {
  const { inner, secret } = shape;
  if (secret && (tree.secrets ?? []).length === 0) {
    tell(part, tree.place, 'a secret belongs here, not a value: list its name under secrets and write "${NAME}"');
    return tree;
  }
  if (tree.sealed === true) return { ...tree, standIn: standInFor(inner) };
  const text = typeof tree.value === 'string' && tree.flexible === true ? coerced(tree.value) : [];
  const candidates: readonly Value[] = [tree.value, ...text];
  const fitting = candidates.find((candidate) => z.safeParse(inner, candidate).success);
  if (fitting !== undefined) return { ...tree, value: fitting };
  const near =
    inner instanceof z.ZodEnum && typeof tree.value === 'string' ? hint(tree.value, inner.options.map(String)) : '';
  const remedy = near === '' ? typeRemedy(inner, tree) : near;
  const judged = candidates.at(-1);
  tell(part, tree.place, `expected ${expectedBy(inner, judged)}, found ${foundIn(tree, secret)}${remedy}`);
  return tree;
}

/** A value that the schema accepts while the secret is not known; it never leaves this folder. */
function standInFor(schema: z.core.$ZodType): Value {
  const guesses = [
    'a-value-that-is-sealed',
    '/sealed',
    '$.sealed',
    '1s',
    '12:00',
    'UTC',
    'os:sealed',
    'https://sealed.invalid/',
  ];
  const options = schema instanceof z.ZodEnum ? schema.options.map(String) : [];
  const literals = schema instanceof z.ZodLiteral ? [...schema.values].map(String) : [];
  const numbers = [1, 5, 100, 1000, true];
  return [...guesses, ...options, ...literals, ...numbers].find((guess) => z.safeParse(schema, guess).success) ?? '';
}

function wrong(shape: Shape, tree: Tree, part: Part): Tree {
  const rest = isNull(tree) && shape.description !== undefined ? ` (${lowerFirst(shape.description)})` : '';
  const known = tree.type === 'map' ? [] : knownKeys(shape.inner);
  const keys = known.length > 0 && known.length <= 12 ? ` with ${listed(known)}` : '';
  const what = expectedBy(shape.inner);
  tell(
    part,
    isNull(tree) ? part.key : tree.place,
    `expected ${what}${keys}${rest}, found ${foundIn(tree, shape.secret)}`,
  );
  return tree;
}

function hint(text: string, candidates: readonly string[]): string {
  const answer = meant(text, candidates, '');
  return answer.startsWith('did you mean') ? `; ${answer}` : '';
}

function isNull(tree: Tree): boolean {
  return tree.type === 'scalar' && tree.value === null;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** A default of the schema, as if somebody had written it. */
function treeOf(value: unknown): Tree {
  const place = DEFAULT_PLACE;
  if (Array.isArray(value)) return { type: 'list', items: value.map(treeOf), place };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, member]) => [key, { key: place, value: treeOf(member) }] as const);
    return { type: 'map', entries: new Map(entries), place };
  }
  const isValue = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return { type: 'scalar', value: isValue ? value : null, place };
}

function tell({ path, problems }: Part, place: Place, message: string): void {
  problems.found.push(problemAt(problems.file, place, path, message));
}
