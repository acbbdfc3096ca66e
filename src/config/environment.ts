import { Name } from '../core/names.ts';
import { EnvironmentSettings, FileHeader } from './configuration.ts';
import { expectedBy } from './expected.ts';
import { merge, without } from './merge.ts';
import { environmentNames } from './names.ts';
import { type Problems, problemAt } from './problem.ts';
import { closest, meant } from './suggest.ts';
import type { Entry, Mapping, Path, Tree } from './tree.ts';

/** Undefined when the wanted one does not exist, or none is wanted and it is not clear which. */
export function chooseEnvironment(names: readonly string[], wanted: string | undefined): string | undefined {
  if (wanted !== undefined) return names.find((name) => name === wanted);
  return names.length === 1 ? names[0] : names.find((name) => name === 'local');
}

/** The file with the overlay of one environment; without one, and with a problem, when there is none to choose. */
export function overlay(root: Mapping, wanted: string | undefined, problems: Problems) {
  const base = without(without(root, 'environments'), 'target');
  const target = root.entries.get('target');
  if (target !== undefined) {
    tell(problems, target, ['target'], 'unknown key; each environment has its own: environments.<name>.target');
  }
  const environments = root.entries.get('environments');
  if (environments?.value.type !== 'map' || environments.value.entries.size === 0) {
    const misspelt = [...base.entries].find(([key]) => !PARTS.includes(key) && closest(key, TOP) === 'environments');
    if (environments === undefined && misspelt !== undefined) {
      const [key, entry] = misspelt;
      tell(problems, entry, [key], 'unknown key; did you mean "environments"?');
      return { environment: undefined, overlaid: without(base, key) };
    }
    const message = 'missing; expected a map like { local: { target: { kind: directory, path: ~/apps/web } } }';
    const { place } = root;
    tell(problems, environments ?? { key: place, value: root }, ['environments'], message);
    return { environment: undefined, overlaid: base };
  }
  for (const [name, entry] of environments.value.entries) {
    if (Name.safeParse(name).success) continue;
    // The key stands above the environment, so its path is the whole one.
    const problem = problemAt(problems.file, entry.key, [], `not a usable key; expected ${expectedBy(Name, name)}`);
    problems.found.push({ ...problem, path: `environments.${name}` });
  }
  const names = environmentNames(root);
  const environment = chooseEnvironment(names, wanted);
  const chosen = environment === undefined ? undefined : environments.value.entries.get(environment);
  if (chosen === undefined) {
    tell(problems, environments, ['environments'], describeChoice(wanted, names));
    return { environment: undefined, overlaid: base };
  }
  return { environment, overlaid: layOver(base, chosen, problems) };
}

function describeChoice(wanted: string | undefined, names: readonly string[]): string {
  if (wanted === undefined) return `which environment is not said; name one with --environment: ${names.join(', ')}`;
  return `there is no environment called ${JSON.stringify(wanted)}; ${meant(wanted, names, '')}`;
}

function layOver(base: Mapping, chosen: Entry, problems: Problems): Mapping {
  const { value } = chosen;
  if (value.type === 'map') return merge(base, withoutHeader(value, problems));
  if (isNull(value)) return base;
  const message = 'expected a map with what this environment has for its own, at least target';
  tell(problems, { key: value.place, value }, [], message);
  return base;
}

/** Each environment has a target, from its overlay or an override; `merged` is what all layers gave. */
export function requireTarget(root: Mapping, environment: string, merged: Mapping, problems: Problems): void {
  const environments = root.entries.get('environments')?.value;
  const chosen = environments?.type === 'map' ? environments.entries.get(environment) : undefined;
  if (chosen === undefined || (chosen.value.type !== 'map' && !isNull(chosen.value))) return;
  const isNear = (key: string) => key !== 'target' && closest(key, PARTS) === 'target';
  const target = merged.entries.get('target')?.value;
  if ((target !== undefined && !isNull(target)) || [...merged.entries.keys()].some(isNear)) return;
  const expected = expectedBy(EnvironmentSettings.shape.target);
  const message = `missing; expected ${expected}, for example { kind: directory, path: ~/apps/web }`;
  tell(problems, chosen, ['target'], message);
}

function isNull(tree: Tree): boolean {
  return tree.type === 'scalar' && tree.value === null;
}

const PARTS = Object.keys(EnvironmentSettings.shape);
const TOP = [...PARTS, ...Object.keys(FileHeader.shape), 'environments'];

/** Without what stands once, at the top of the file. */
function withoutHeader(map: Mapping, problems: Problems): Mapping {
  let result = map;
  for (const name of [...Object.keys(FileHeader.shape), 'environments']) {
    const entry = map.entries.get(name);
    if (entry !== undefined) tell(problems, entry, [name], 'unknown key; it stands once, at the top of the file');
    result = without(result, name);
  }
  return result;
}

function tell(problems: Problems, { key }: Entry, path: Path, message: string): void {
  problems.found.push(problemAt(problems.file, key, path, message));
}
