import { isAlias, isMap, isScalar, isSeq, type Pair } from 'yaml';
import { type Problem, problemAt } from './problem.ts';
import { type Parsed, parseYaml } from './syntax.ts';
import { decodeText } from './text.ts';
import type { Entry, Mapping, Origin, Path, Place, Tree } from './tree.ts';

/** More keys and values, aliases followed, than any configuration has: stops alias bombs. */
const MAX_VALUES = 10_000;
const MAX_DEPTH = 40;

/** Keys that mean something to JavaScript objects; nothing in a configuration needs them. */
export const FORBIDDEN_KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/** What stands in the file, or nothing where it cannot be read at all; with all that is wrong with its form. */
export interface ReadResult {
  readonly root: Mapping | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Reads the bytes of a configuration file into a tree: encoding, syntax, aliases, duplicate keys. Never throws.
 * Parts below `environments.<name>` have that environment as their origin.
 */
export function readTree(bytes: Uint8Array, file: string): ReadResult {
  const decoded = decodeText(bytes);
  if (!decoded.ok) {
    const { line, column, message } = decoded;
    return { root: undefined, problems: [{ file, line, column, path: '', message }] };
  }
  const parsed = parseYaml(decoded.text);
  const problems = parsed.problems.map((problem) => ({ file, path: '', ...problem }));
  if (parsed.document === undefined) return { root: undefined, problems };
  const reader: Reader = { file, parsed, problems, anchors: new Map(), values: 0, isFull: false };
  const root = convert(reader, parsed.document.contents, { path: [], environment: undefined, depth: 0 });
  if (root.type === 'map' && (root.entries.size > 0 || problems.length > 0)) return { root, problems };
  const { line, column } = root.place;
  return { root: undefined, problems: [...problems, { file, line, column, path: '', message: describeTop(root) }] };
}

function describeTop(root: Tree): string {
  if (root.type === 'map' || (root.type === 'scalar' && root.value === null)) {
    return 'the file is empty; "holdfast init" writes a first one';
  }
  const found = root.type === 'list' ? 'a list' : 'a single value';
  return `expected a map with the keys version, services and environments, found ${found}`;
}

interface Reader {
  readonly file: string;
  readonly parsed: Parsed;
  readonly problems: Problem[];
  /** The node of each anchor; undefined while it is still being read, so that a circle is seen. */
  readonly anchors: Map<string, unknown>;
  values: number;
  /** Told that there are too many values. */
  isFull: boolean;
}

/** Where the reader is: `path` counts from the environment when there is one. */
interface Here {
  readonly path: Path;
  readonly environment: string | undefined;
  readonly depth: number;
}

function convert(reader: Reader, node: unknown, here: Here): Tree {
  const place = placeAt(reader, startOf(node), here);
  const nothing: Tree = { type: 'scalar', value: '', place, broken: true };
  reader.values += 1;
  if (reader.values > MAX_VALUES) {
    const message = `the file has more than ${MAX_VALUES} keys and values once its aliases are followed; take some out`;
    if (!reader.isFull) tell(reader, place, here.path, message);
    reader.isFull = true;
    return nothing;
  }
  if (here.depth > MAX_DEPTH) {
    tell(reader, place, here.path, `nested more than ${MAX_DEPTH} levels deep; take out levels`);
    return nothing;
  }
  if (isAlias(node)) {
    const target = reader.anchors.get(node.source);
    if (target !== undefined) return convert(reader, target, { ...here, depth: here.depth + 1 });
    const why = reader.anchors.has(node.source) ? 'stands inside of what it names' : 'names no anchor above it';
    tell(reader, place, here.path, `the alias *${node.source} ${why}; write the value out`);
    return nothing;
  }
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  if (anchor !== undefined) reader.anchors.set(anchor, undefined);
  const tree = convertContents(reader, node, here, place);
  if (anchor !== undefined) reader.anchors.set(anchor, node);
  return tree;
}

function convertContents(reader: Reader, node: unknown, here: Here, place: Place): Tree {
  if (isMap(node)) return { type: 'map', entries: convertPairs(reader, node.items, here, place), place };
  if (isSeq(node)) {
    const items = node.items.map((item, index) => convert(reader, item, within(here, index)));
    return { type: 'list', items, place };
  }
  const value = isScalar(node) ? node.value : null;
  if (typeof value === 'string') return { type: 'scalar', value: reader.parsed.restore(value), place };
  if (typeof value === 'boolean' || value === null) return { type: 'scalar', value, place };
  if (typeof value === 'number' && Number.isFinite(value)) return { type: 'scalar', value, place };
  tell(reader, place, here.path, 'not a finite number; write its digits, or put it in quotes where text is meant');
  return { type: 'scalar', value: '', place, broken: true };
}

function convertPairs(reader: Reader, pairs: readonly Pair[], here: Here, place: Place): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const pair of pairs) {
    if (reader.values > MAX_VALUES) break;
    reader.values += 1;
    const start = startOf(pair.key);
    const keyPlace = start === undefined ? place : placeAt(reader, start, here);
    const key = keyText(reader, pair.key);
    const first = entries.get(key ?? '');
    if (key === undefined) {
      tell(reader, keyPlace, here.path, 'a key has to be a plain name');
    } else if (FORBIDDEN_KEYS.includes(key)) {
      tell(reader, keyPlace, [...here.path, key], `"${key}" cannot be a key; take another name`);
    } else if (first !== undefined) {
      const message = `"${key}" is given twice, first on line ${first.key.line}; keep one of them`;
      tell(reader, keyPlace, [...here.path, key], message);
    } else {
      const inside = within(here, key);
      const empty: Tree = { type: 'scalar', value: null, place: placeAt(reader, start, inside) };
      const value = pair.value === null ? empty : convert(reader, pair.value, inside);
      entries.set(key, { key: empty.place, value });
    }
  }
  return entries;
}

function within(here: Here, step: string | number): Here {
  const depth = here.depth + 1;
  const isOverlay = here.environment === undefined && here.path.length === 1 && here.path[0] === 'environments';
  if (isOverlay) return { path: [], environment: String(step), depth };
  return { path: [...here.path, step], environment: here.environment, depth };
}

/** Undefined for a map, a list or nothing as a key. Numbers and booleans are keys as they are written: `3000: …`. */
function keyText(reader: Reader, key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  return reader.parsed.restore(typeof key.value === 'string' ? key.value : (key.source ?? String(key.value)));
}

function placeAt(reader: Reader, offset: number | undefined, { environment }: Here): Place {
  const { line, col } = reader.parsed.lineCounter.linePos(offset ?? 0);
  const position = { line: Math.max(line, 1), column: Math.max(col, 1) };
  const origin: Origin =
    environment === undefined
      ? { kind: 'file', line: position.line }
      : { kind: 'environment', environment, line: position.line };
  return { origin, ...position };
}

function startOf(node: unknown): number | undefined {
  return isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}

function tell(reader: Reader, place: Place, path: Path, message: string): void {
  reader.problems.push(problemAt(reader.file, place, path, message));
}
