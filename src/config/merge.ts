import type { Entry, Mapping, Path, Place, Tree } from './tree.ts';

/** `over` on top of `base`: maps merge, lists and single values replace, null takes away what `base` has. */
export function merge(base: Mapping, over: Mapping): Mapping {
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    if (below === undefined) entries.set(key, entry);
    else if (entry.value.type === 'scalar' && entry.value.value === null) entries.delete(key);
    else if (below.value.type === 'map' && entry.value.type === 'map') {
      entries.set(key, { key: below.key, value: merge(below.value, entry.value) });
    } else entries.set(key, entry);
  }
  return { ...base, entries };
}

/** The map without one of its keys. */
export function without(map: Mapping, key: string): Mapping {
  return { ...map, entries: new Map([...map.entries].filter(([name]) => name !== key)) };
}

/** A map that holds `value` at `path` and nothing else: what an override lays over the file. */
export function nest(path: Path, value: Tree, place: Place): Mapping {
  const [step, ...rest] = path;
  const entry: Entry = { key: place, value: rest.length === 0 ? value : nest(rest, value, place) };
  return { type: 'map', entries: new Map([[String(step), entry]]), place };
}
