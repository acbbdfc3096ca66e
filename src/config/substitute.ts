import { sealedSecret } from '../core/sealed.ts';
import { closest } from './suggest.ts';
import { type Path, pathText, type Scalar, type Tree } from './tree.ts';

/** The names that `${…}` may read, and their values as far as they are known. */
export interface Names {
  /** Names listed under `secrets` and under `variables`. */
  readonly listedSecrets: readonly string[];
  readonly listedVariables: readonly string[];
  readonly secrets: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  /**
   * `secrets`: they are known by name only, and `:?` and `:-` are not evaluated for them. `all`: a variable that is not
   * set is no problem either, because the file is only being read, for a place where it will be.
   */
  readonly sealed: 'nothing' | 'secrets' | 'all';
}

/** What substitution found; `tell` gets the path within the tree. */
export interface Substitution {
  readonly names: Names;
  /** Values of the secrets that were used. */
  readonly secretValues: Record<string, string>;
  tell(path: Path, message: string): void;
}

/**
 * Replaces `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` in every text value of the tree, never in keys.
 * Results are not scanned again. A value that came out of it is flexible: it becomes what the schema wants.
 */
export function substitute(tree: Tree, work: Substitution, path: Path = []): Tree {
  if (tree.type === 'list') {
    return { ...tree, items: tree.items.map((item, index) => substitute(item, work, [...path, index])) };
  }
  if (tree.type === 'map') {
    const entries = new Map(
      [...tree.entries].map(([key, entry]) => [
        key,
        { key: entry.key, value: substitute(entry.value, work, [...path, key]) },
      ]),
    );
    return { ...tree, entries };
  }
  if (typeof tree.value !== 'string' || !tree.value.includes('$')) return tree;
  return substituteText(tree, tree.value, work, path);
}

/** One `${…}` of a text, read but not yet looked up. */
export interface Reference {
  readonly name: string;
  readonly fallback: string | undefined;
  readonly message: string | undefined;
}

const TOKEN = /\$\$|\$\{([^}]*)(\}?)/g;
const REFERENCE = /^([A-Za-z_][A-Za-z0-9_]*)(?::([-?])([\s\S]*))?$/;

/** The references in a text, in order; malformed ones are left out. */
export function referencesIn(text: string): Reference[] {
  return [...text.matchAll(TOKEN)].flatMap((match) => {
    const reference = match[2] === '}' ? parseReference(match[1] ?? '') : undefined;
    return reference === undefined ? [] : [reference];
  });
}

function parseReference(inside: string): Reference | undefined {
  const match = REFERENCE.exec(inside);
  if (match === null) return undefined;
  const [, name = '', kind, rest] = match;
  return { name, fallback: kind === '-' ? rest : undefined, message: kind === '?' ? rest : undefined };
}

function substituteText(scalar: Scalar, text: string, work: Substitution, path: Path): Scalar {
  const secrets = new Set<string>();
  let sealed = false;
  let broken = false;
  const value = text.replace(TOKEN, (token: string, inside: string | undefined, end: string | undefined) => {
    if (token === '$$') return '$';
    const reference = end === '}' ? parseReference(inside ?? '') : undefined;
    if (reference === undefined) {
      work.tell(path, describeMalformed(token, end === '}'));
      broken = true;
      return '';
    }
    if (work.names.listedSecrets.includes(reference.name)) {
      secrets.add(reference.name);
      if (isSealedHere(reference.name, work)) {
        sealed = true;
        return sealedSecret(reference.name);
      }
    }
    const found = lookUp(reference, work, path);
    if (found === undefined) broken = true;
    if (found !== undefined && secrets.has(reference.name)) work.secretValues[reference.name] = found;
    return found ?? '';
  });
  const flags = { flexible: true, ...(secrets.size > 0 ? { secrets: [...secrets] } : {}) };
  return { ...scalar, ...flags, value, ...(sealed ? { sealed } : {}), ...(broken ? { broken } : {}) };
}

/** Where secrets may be missing, those that are there are used all the same. */
function isSealedHere(name: string, { names: { sealed, secrets } }: Substitution): boolean {
  if (sealed !== 'secrets') return sealed === 'all';
  return !Object.hasOwn(secrets, name) || secrets[name] === '';
}

/** Undefined when there is no value; then that has been told. */
function lookUp({ name, fallback, message }: Reference, work: Substitution, path: Path): string | undefined {
  const { names } = work;
  const isSecret = names.listedSecrets.includes(name);
  if (!isSecret && !names.listedVariables.includes(name)) {
    const close = closest(name, [...names.listedSecrets, ...names.listedVariables]);
    const remedy =
      close === undefined ? 'add it to one of these lists at the top of the file' : `did you mean "${close}"?`;
    work.tell(path, `\${${name}} may not be read: ${name} is neither in secrets nor in variables; ${remedy}`);
    return undefined;
  }
  const values = isSecret ? names.secrets : names.variables;
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  // GitHub hands an absent secret over as an empty text.
  const isSet = value !== undefined && (value !== '' || (!isSecret && fallback === undefined && message === undefined));
  if (isSet) return value;
  if (fallback !== undefined) return fallback;
  if (names.sealed === 'all') return undefined;
  const what = `the ${isSecret ? 'secret' : 'variable'} ${name} is not set`;
  const remedy = isSecret
    ? 'set it where this runs (on GitHub: in HOLDFAST_SECRETS)'
    : `set it, or give a default: \${${name}:-…}`;
  work.tell(path, message !== undefined && message !== '' ? `${what}: ${message}` : `${what}; ${remedy}`);
  return undefined;
}

function describeMalformed(token: string, closed: boolean): string {
  const shown = JSON.stringify(token.length > 40 ? `${token.slice(0, 40)}…` : token);
  if (token.startsWith('${{')) return `${shown} is an expression of a workflow file; here it is \${NAME}`;
  if (!closed) return `${shown} has no closing brace; write \${NAME}, or $$ for a dollar sign`;
  return `${shown} is no substitution; write \${NAME}, \${NAME:-default} or \${NAME:?message}, or $$ for a dollar sign`;
}

/** Adds to `paths` which values hold which secrets. */
export function secretPathsOf(scalars: Iterable<readonly [Path, Scalar]>): Record<string, readonly string[]> {
  const paths: Record<string, readonly string[]> = {};
  for (const [path, { secrets }] of scalars) if (secrets !== undefined) paths[pathText(path)] = secrets;
  return paths;
}
