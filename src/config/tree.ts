/**
 * The configuration between YAML and zod: plain values that still know where each of them was written.
 * Errors, origins and redaction all need that; nothing outside of this folder sees a tree.
 */

/** Where a value came from. Later layers win: default, file, environment's overlay, variable, set. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly line: number }
  | { readonly kind: 'environment'; readonly environment: string; readonly line: number }
  /** Policy of the branch that decides it: another version of the file. */
  | { readonly kind: 'protected'; readonly branch: string; readonly line: number }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'set'; readonly key: string };

/** Line and column count from 1; both are 0 for what stands in no file. */
export interface Place {
  readonly origin: Origin;
  readonly line: number;
  readonly column: number;
}

export const DEFAULT_PLACE: Place = { origin: { kind: 'default' }, line: 0, column: 0 };

export type Value = string | number | boolean | null;

export interface Scalar {
  readonly type: 'scalar';
  readonly value: Value;
  readonly place: Place;
  /** Text of an override or of a substitution: becomes a number or boolean where the schema wants one. */
  readonly flexible?: boolean;
  /** Names of the secrets that the value holds. */
  readonly secrets?: readonly string[];
  /** The value holds a secret that is known by name only. */
  readonly sealed?: boolean;
  /** Something is wrong with the value and has been told; nothing more is said about it. */
  readonly broken?: boolean;
  /** What a sealed value is taken for while the schema judges. */
  readonly standIn?: Value;
}

export interface List {
  readonly type: 'list';
  readonly items: readonly Tree[];
  readonly place: Place;
}

export interface Mapping {
  readonly type: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly place: Place;
  /** It had a key that nobody knows, so what it lacks may only be misspelt. */
  readonly doubtful?: boolean;
}

export interface Entry {
  readonly key: Place;
  readonly value: Tree;
}

export type Tree = Scalar | List | Mapping;

export type Path = readonly (string | number)[];

/** A path as people read it, and as `origins` and `secretPaths` are keyed: `alerts.routes[0].send`. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('');
}

/** The member at `path`, if there is one. */
export function at(tree: Tree | undefined, ...path: Path): Tree | undefined {
  let here = tree;
  for (const step of path) {
    if (here?.type === 'map') here = here.entries.get(String(step))?.value;
    else if (here?.type === 'list') here = here.items[Number(step)];
    else return undefined;
  }
  return here;
}

/** The text at `path`; undefined where there is none, or something else, or a secret that is not known here. */
export function textAt(tree: Tree | undefined, ...path: Path): string | undefined {
  const value = knownAt(tree, path);
  return typeof value === 'string' ? value : undefined;
}

/** The number at `path`, as `textAt`. */
export function numberAt(tree: Tree | undefined, ...path: Path): number | undefined {
  const value = knownAt(tree, path);
  return typeof value === 'number' ? value : undefined;
}

/** The boolean at `path`, as `textAt`. */
export function flagAt(tree: Tree | undefined, ...path: Path): boolean | undefined {
  const value = knownAt(tree, path);
  return typeof value === 'boolean' ? value : undefined;
}

function knownAt(tree: Tree | undefined, path: Path): Value | undefined {
  const found = at(tree, ...path);
  return found?.type === 'scalar' && found.sealed !== true && found.broken !== true ? found.value : undefined;
}

/** Keys and values of the map at `path`; none where there is no map. */
export function membersAt(tree: Tree | undefined, ...path: Path): readonly (readonly [key: string, value: Tree])[] {
  const found = at(tree, ...path);
  return found?.type === 'map' ? [...found.entries].map(([key, entry]) => [key, entry.value] as const) : [];
}

/** The items of the list at `path`; none where there is no list. */
export function itemsAt(tree: Tree | undefined, ...path: Path): readonly Tree[] {
  const found = at(tree, ...path);
  return found?.type === 'list' ? found.items : [];
}

/**
 * Where the reader has to look for `path`: its key or its value; for what was never written (a default, a missing key)
 * the key of the nearest part that was.
 */
export function placeOf(root: Mapping, path: Path, part: 'key' | 'value'): Place {
  let place = root.place;
  let here: Tree | undefined = root;
  for (const [index, step] of path.entries()) {
    const entry: Entry | undefined = here?.type === 'map' ? here.entries.get(String(step)) : undefined;
    here = entry?.value ?? at(here, step);
    if (here === undefined || here.place.origin.kind === 'default') return place;
    const last = index === path.length - 1;
    place = entry === undefined || (last && part === 'value') ? here.place : entry.key;
  }
  return place;
}

/** Every scalar below `tree` with its path, in the order of the file. */
export function* scalarsOf(tree: Tree, path: Path = []): Generator<readonly [Path, Scalar]> {
  if (tree.type === 'scalar') yield [path, tree];
  if (tree.type === 'list') for (const [index, item] of tree.items.entries()) yield* scalarsOf(item, [...path, index]);
  if (tree.type === 'map') for (const [key, entry] of tree.entries) yield* scalarsOf(entry.value, [...path, key]);
}

/** The value for zod: sealed scalars as their stand-in. */
export function plainOf(tree: Tree): unknown {
  if (tree.type === 'list') return tree.items.map(plainOf);
  if (tree.type === 'map')
    return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, plainOf(entry.value)]));
  return tree.sealed === true && tree.standIn !== undefined ? tree.standIn : tree.value;
}
