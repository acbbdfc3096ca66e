import { type Problems, problemAt } from './problem.ts';
import { referencesIn } from './substitute.ts';
import { at, itemsAt, type Mapping, scalarsOf, textAt } from './tree.ts';

/** The texts of the list `secrets` or `variables`. */
export function listedNames(root: Mapping, list: 'secrets' | 'variables'): string[] {
  return itemsAt(root, list).flatMap((item) => textAt(item) ?? []);
}

/**
 * A name stands in one of the two lists, once, and somebody reads it. `whole` is the file with all of its environments,
 * `extra` texts from outside of it.
 */
export function judgeNames(merged: Mapping, whole: Mapping, extra: readonly string[], problems: Problems): void {
  const used = new Set(extra.flatMap(referencesIn).map(({ name }) => name));
  for (const [, { value }] of scalarsOf(whole)) {
    if (typeof value === 'string') for (const { name } of referencesIn(value)) used.add(name);
  }
  const seen = new Map<string, string>();
  for (const list of ['secrets', 'variables'] as const) {
    for (const [index, item] of itemsAt(merged, list).entries()) {
      const name = textAt(item);
      if (name === undefined) continue;
      const first = seen.get(name);
      const path = [list, index];
      if (first !== undefined) {
        problems.found.push(
          problemAt(problems.file, item.place, path, `${name} is listed under ${first} already; keep one`),
        );
      } else if (!used.has(name)) {
        problems.warnings.push(
          problemAt(
            problems.file,
            item.place,
            path,
            `nothing reads ${name}; write "\${${name}}" where it is needed, or remove it`,
          ),
        );
      }
      seen.set(name, list);
    }
  }
}

/** The names of all environments of the file, in its order. */
export function environmentNames(root: Mapping): string[] {
  const environments = at(root, 'environments');
  return environments?.type === 'map' ? [...environments.entries.keys()] : [];
}
