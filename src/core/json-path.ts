const PATH = /^\$(?:\.[^.[\]]+|\[\d+\])*$/;
const SEGMENT = /\.([^.[\]]+)|\[(\d+)\]/g;

/** True of `$`, `$.a.b`, `$.items[0].id`: the member and index steps of JSONPath, nothing else of it. */
export function isJsonPath(path: string): boolean {
  return PATH.test(path);
}

/**
 * What stands at a path like `$.items[0].id` in a JSON value; undefined when nothing does or the path is none.
 * Never throws, and reads own members only.
 */
export function readJsonPath(value: unknown, path: string): unknown {
  if (!isJsonPath(path)) return undefined;
  let found = value;
  for (const [, member, index] of path.matchAll(SEGMENT)) {
    if (typeof found !== 'object' || found === null) return undefined;
    if (Array.isArray(found) !== (index !== undefined)) return undefined;
    const key = member ?? index ?? '';
    if (!Object.hasOwn(found, key)) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The version in an answer: what stands at a path like `$.build.version`, or the whole text; undefined when there is none. */
export function readVersion(body: string, path: string | undefined): string | undefined {
  if (path === undefined) return body.trim();
  const found = readJsonPath(parseJson(body), path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined;
}
