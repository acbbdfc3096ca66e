import { basename } from 'node:path';
import { z } from 'zod';
import { type Configuration, EnvironmentSettings, FileHeader } from './configuration.ts';
import { conform } from './conform.ts';
import { chooseEnvironment, overlay, requireTarget } from './environment.ts';
import { environmentNames, judgeNames, listedNames } from './names.ts';
import { applyOverrides, type Override } from './overrides.ts';
import { refusePolicy } from './policy.ts';
import { inOrder, type Problem, type Problems, problemAt } from './problem.ts';
import { govern, type ProtectedFile } from './protected-policy.ts';
import { readTree } from './read.ts';
import { RULES } from './rules/all.ts';
import { judged } from './rules/rule.ts';
import { secretPathsOf, substitute } from './substitute.ts';
import {
  at,
  type Entry,
  type Mapping,
  type Origin,
  type Path,
  pathText,
  plainOf,
  scalarsOf,
  type Tree,
} from './tree.ts';

// biome-ignore lint/performance/noBarrelFile: whoever makes a LoadRequest needs it, and this is the only other name
export { parseOverrides } from './overrides.ts';

export interface LoadRequest {
  readonly bytes: Uint8Array;
  /** As messages show it. */
  readonly file: string;
  /** Absolute folder of the file. */
  readonly directory: string;
  /** By default the only one there is, else `local`. */
  readonly environment?: string;
  /** Values that are available, by name; only those that the file lists are read. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly overrides: readonly Override[];
  /** The version of the file whose policy holds instead of what this one says; this one's own by default. */
  readonly policy?: ProtectedFile;
  /** True where secrets may be missing: those that are not there are known by name only (see `isSealed`). */
  readonly sealed?: boolean;
}

export type LoadResult = Loaded | NotLoaded;

export interface Loaded {
  readonly ok: true;
  readonly configuration: Configuration;
  /** Where each value came from, by path; a list counts as one value. */
  readonly origins: Readonly<Record<string, Origin>>;
  readonly warnings: readonly Problem[];
  /** The configuration as somebody would write it, defaults included. */
  readonly resolved: Mapping;
}

export interface NotLoaded {
  readonly ok: false;
  /** At least one, in the order of the file. */
  readonly problems: readonly Problem[];
}

/**
 * Loads one environment of a configuration file: defaults < file < the environment's overlay < `HOLDFAST__` variables <
 * `--set`, then substitution, schema, and the rules between parts. All problems come at once. Never throws, touches
 * nothing, answers the same for the same request.
 */
export function loadConfiguration(request: LoadRequest): LoadResult {
  return loadSealed(request, request.sealed === true ? 'secrets' : 'nothing');
}

/**
 * Loads the environment of the request, and reads all others for what is wrong in their form, without asking for the
 * values of their secrets and variables. When the request names none and none follows, all are read in this way.
 */
export function checkConfiguration(request: LoadRequest): {
  readonly environments: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
} {
  const { root } = readTree(request.bytes, request.file);
  const environments = root === undefined ? [] : environmentNames(root);
  const chosen = chooseEnvironment(environments, request.environment);
  const isAmbiguous = request.environment === undefined && environments.length > 1 && chosen === undefined;
  const others = environments.filter((name) => name !== chosen);
  const results = [
    ...(isAmbiguous ? [] : [loadConfiguration(request)]),
    ...others.map((environment) => loadSealed({ ...request, environment, overrides: [] }, 'all')),
  ];
  return {
    environments,
    problems: inOrder(results.flatMap((result) => (result.ok ? [] : result.problems))),
    warnings: inOrder(results.flatMap((result) => (result.ok ? result.warnings : []))),
  };
}

/** The names of the environments in a file, in its order; none when it cannot be read. */
export function environmentsOf(bytes: Uint8Array): readonly string[] {
  const { root } = readTree(bytes, '');
  return root === undefined ? [] : environmentNames(root);
}

const Whole = z.strictObject({ ...FileHeader.shape, ...EnvironmentSettings.shape });
/** A target that is missing has been told before: it may only stand in an environment. */
const Judged = Whole.extend({ target: EnvironmentSettings.shape.target.optional() });

function loadSealed(request: LoadRequest, sealed: 'nothing' | 'secrets' | 'all'): LoadResult {
  const { root, problems: unreadable } = readTree(request.bytes, request.file);
  if (root === undefined) return { ok: false, problems: inOrder(unreadable) };

  const problems: Problems = { file: request.file, found: [...unreadable], warnings: [] };
  const { environment, overlaid } = overlay(root, request.environment, problems);
  const overridden = applyOverrides(Whole, overlaid, request.overrides, problems, (path) =>
    refusePolicy(path, environment),
  );
  const merged =
    request.policy === undefined || environment === undefined
      ? overridden
      : govern(overridden, environment, request.policy, problems);
  if (environment !== undefined) requireTarget(root, environment, merged, problems);

  const secretValues: Record<string, string> = {};
  const names = {
    listedSecrets: listedNames(merged, 'secrets'),
    listedVariables: listedNames(merged, 'variables'),
    secrets: request.secrets,
    variables: request.variables,
    sealed,
  };
  const tell = (path: Path, message: string) => {
    const place = at(merged, ...path)?.place ?? merged.place;
    problems.found.push(problemAt(request.file, place, path, message));
  };
  const substituted = mapValues(merged, (key, value) =>
    HEADER_KEYS.includes(key) ? value : substitute(value, { names, secretValues, tell }, [key]),
  );

  const resolved = conform(Judged, substituted, problems);
  const part = judged(resolved, environmentNames(root), problems);
  for (const rule of RULES) rule(part);
  const overrideTexts = request.overrides.map(({ value }) => value);
  judgeNames(resolved, root, overrideTexts, problems);

  if (problems.found.length > 0 || environment === undefined) return { ok: false, problems: inOrder(problems.found) };
  return finish(request, environment, resolved, secretValues, problems);
}

/** These say how to substitute, so nothing is substituted in them. */
const HEADER_KEYS: readonly string[] = ['version', 'secrets', 'variables'];

function mapValues(map: Mapping, change: (key: string, value: Tree) => Tree): Mapping {
  const entries = [...map.entries].map(([key, entry]): [string, Entry] => [
    key,
    { key: entry.key, value: change(key, entry.value) },
  ]);
  return { ...map, entries: new Map(entries) };
}

function finish(
  request: LoadRequest,
  environment: string,
  resolved: Mapping,
  secretValues: Record<string, string>,
  problems: Problems,
): LoadResult {
  const parsed = Whole.safeParse(plainOf(resolved));
  if (!parsed.success) {
    const found = parsed.error.issues.map(({ path, message }) => {
      const steps = path.map((step) => (typeof step === 'number' ? step : String(step)));
      return problemAt(request.file, at(resolved, ...steps)?.place ?? resolved.place, steps, message);
    });
    return { ok: false, problems: inOrder(found) };
  }
  const { version: _, secrets: __, variables: ___, project, ...settings } = parsed.data;
  const scalars = [...scalarsOf(resolved)];
  for (const [path, { sealed, value }] of scalars) if (sealed === true) replaceAt(settings, path, value);
  return {
    ok: true,
    configuration: {
      ...settings,
      project: project ?? projectName(request.directory),
      environment,
      directory: request.directory,
      file: basename(request.file),
      secretValues,
      secretPaths: secretPathsOf(scalars),
    },
    origins: originsOf(resolved),
    warnings: inOrder(problems.warnings),
    resolved,
  };
}

/** Puts the marker of a sealed secret where the schema was shown its stand-in. */
function replaceAt(settings: object, path: Path, value: unknown): void {
  let here: object = settings;
  for (const [index, step] of path.entries()) {
    if (index === path.length - 1) Reflect.set(here, step, value);
    const next: unknown = Reflect.get(here, step);
    if (typeof next !== 'object' || next === null) return;
    here = next;
  }
}

/** The name of the folder, as a name may be. */
function projectName(directory: string): string {
  const folder =
    directory
      .split(/[\\/]/)
      .filter((part) => part !== '')
      .at(-1) ?? '';
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'project' : name;
}

function originsOf(tree: Tree, path: Path = [], origins: Record<string, Origin> = {}): Record<string, Origin> {
  if (tree.type === 'map' && tree.entries.size > 0) {
    for (const [key, entry] of tree.entries) originsOf(entry.value, [...path, key], origins);
  } else if (path.length > 0) origins[pathText(path)] = tree.place.origin;
  return origins;
}
