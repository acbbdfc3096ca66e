import { overlay } from './environment.ts';
import { POLICY } from './policy.ts';
import { type Problem, type Problems, problemAt } from './problem.ts';
import { readTree } from './read.ts';
import {
  at,
  type Entry,
  type Mapping,
  membersAt,
  type Origin,
  type Path,
  type Place,
  pathText,
  placeOf,
  plainOf,
  type Tree,
  textAt,
} from './tree.ts';

/** The configuration as it stands on the branch whose policy holds. */
export interface ProtectedFile {
  readonly bytes: Uint8Array;
  /** Name of the branch, for messages. */
  readonly branch: string;
}

/** A part in which the released file says something else than the protected one. */
export interface Difference {
  readonly path: Path;
  /** What the released file did: it is ignored all the same. */
  readonly kind: 'added' | 'changed' | 'removed';
}

/**
 * The configuration of one environment with its policy from the protected one. Both are what overlay and overrides gave,
 * so that no way of writing (a null, an overlay) takes policy away. Policy that only `released` has is dropped; to
 * `state` it may add, and what is protected there stays as it is. Pure; equal parts keep the places of `released`.
 */
export function applyPolicy(
  protectedConfig: Mapping,
  released: Mapping,
): { readonly merged: Mapping; readonly differences: readonly Difference[] } {
  const states = membersAt(protectedConfig, 'state').map(([name]): Path => ['state', name]);
  const differences: Difference[] = [];
  let merged = released;
  for (const path of [...POLICY, ...states]) {
    const wanted = entryAt(protectedConfig, path);
    const found = entryAt(merged, path);
    if (isSame(wanted?.value, found?.value)) continue;
    differences.push({ path, kind: wanted === undefined ? 'added' : found === undefined ? 'removed' : 'changed' });
    merged = put(merged, path, wanted);
  }
  return { merged, differences };
}

/**
 * Lays the policy of the protected file over what is released to `environment`. Differences become warnings, and a
 * protected file without this environment, or that cannot be read, a problem. The environment `local` keeps its own
 * policy as long as its target is a folder of this computer: with any other target the name would be a way around.
 */
export function govern(
  released: Mapping,
  environment: string,
  { bytes, branch }: ProtectedFile,
  problems: Problems,
): Mapping {
  if (isOwnComputer(environment, textAt(released, 'target', 'kind'))) return released;
  const { root, problems: unreadable } = readTree(bytes, `${problems.file} of ${branch}`);
  const found: Problem[] = [...unreadable];
  const chosen =
    root === undefined
      ? undefined
      : overlay(markProtected(root, branch), environment, { ...problems, found, warnings: [] });
  if (chosen?.environment === undefined || found.length > 0) {
    const message = `the policy of ${environment} cannot be read in this file on the branch ${branch}: merge a valid one that has this environment first`;
    problems.found.push(...found, problemAt(problems.file, released.place, ['environments'], message));
    return released;
  }
  const { merged, differences } = applyPolicy(chosen.overlaid, released);
  for (const { path, kind } of differences) {
    const message = `${kind} here, which changes nothing: ${pathText(path)} is policy and holds as ${branch} has it`;
    problems.warnings.push(problemAt(problems.file, placeOf(released, path, 'key'), path, message));
  }
  return merged;
}

/** Whether this environment is nothing but the computer that runs Holdfast, where its user makes the policy. */
export function isOwnComputer(environment: string, targetKind: string | undefined): boolean {
  return environment === 'local' && targetKind === 'directory';
}

function entryAt(root: Mapping, path: Path): Entry | undefined {
  const parent = at(root, ...path.slice(0, -1));
  return parent?.type === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
}

/** A part that says nothing is as one that is not there. */
function isSame(one: Tree | undefined, other: Tree | undefined): boolean {
  return JSON.stringify(canonical(one)) === JSON.stringify(canonical(other));
}

function canonical(tree: Tree | undefined): unknown {
  if (tree === undefined || (tree.type === 'scalar' && tree.value === null)) return null;
  if (tree.type === 'scalar') return plainOf(tree);
  if (tree.type === 'list') return tree.items.map(canonical);
  const members = [...tree.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([key, entry]) => [key, canonical(entry.value)]);
}

/** The map with `entry` at `path`, or with nothing there; maps on the way are made where they are missing. */
function put(map: Mapping, path: Path, entry: Entry | undefined): Mapping {
  const [step, ...rest] = path;
  const key = String(step);
  const entries = new Map(map.entries);
  const here = entries.get(key);
  if (rest.length > 0) {
    const isMap = here?.value.type === 'map';
    if (!isMap && entry === undefined) return map;
    const place = entry?.key ?? map.place;
    const inner: Mapping = here?.value.type === 'map' ? here.value : { type: 'map', entries: new Map(), place };
    entries.set(key, { key: here?.key ?? place, value: put(inner, rest, entry) });
  } else if (entry === undefined) entries.delete(key);
  else entries.set(key, entry);
  return { ...map, entries };
}

/** The same tree, whose places tell that they are those of another version of the file. */
function markProtected(tree: Mapping, branch: string): Mapping;
function markProtected(tree: Tree, branch: string): Tree;
function markProtected(tree: Tree, branch: string): Tree {
  const origin = (place: Place): Place => ({ ...place, origin: protectedOrigin(place, branch) });
  const place = origin(tree.place);
  if (tree.type === 'scalar') return { ...tree, place };
  if (tree.type === 'list') return { ...tree, place, items: tree.items.map((item) => markProtected(item, branch)) };
  const entries = [...tree.entries].map(([key, entry]): [string, Entry] => [
    key,
    { key: origin(entry.key), value: markProtected(entry.value, branch) },
  ]);
  return { ...tree, place, entries: new Map(entries) };
}

function protectedOrigin(place: Place, branch: string): Origin {
  return { kind: 'protected', branch, line: place.line };
}
