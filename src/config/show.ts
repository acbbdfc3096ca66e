import { stringify } from 'yaml';
import type { Loaded } from './load.ts';
import { at, type Mapping, type Origin, type Scalar, type Tree } from './tree.ts';

/**
 * The loaded configuration as YAML that somebody could have written, defaults included, each value with its origin as a
 * comment; values that hold a secret as `<secret NAME>`. `file` is the name of the configuration file.
 *
 *     services:
 *       web:
 *         artifact: ./build   # holdfast.yml:4
 */
export function showConfiguration(loaded: Loaded, file: string): string {
  const { project, environment } = loaded.configuration;
  const origin = at(loaded.resolved, 'project') === undefined ? ', named after its folder' : '';
  const rows = rowsOf(loaded.resolved, 0, file);
  const width = Math.min(60, Math.max(0, ...rows.map(([text, from]) => (from === '' ? 0 : text.length))));
  const lines = rows.map(([text, from]) => (from === '' ? text : `${text.padEnd(width)}   # ${from}`));
  return [`# ${environment} of ${project}${origin}`, ...lines].join('\n');
}

/** The same for machines: values with secrets redacted, and the origin of each by path. */
export function redactedConfiguration(
  loaded: Loaded,
  file: string,
): {
  readonly configuration: unknown;
  readonly origins: Readonly<Record<string, string>>;
} {
  const origins = Object.entries(loaded.origins).map(([path, origin]) => [path, originText(origin, file)] as const);
  return { configuration: redacted(loaded.resolved), origins: Object.fromEntries(origins) };
}

/** `default`, `holdfast.yml:12`, `holdfast.yml:40, environment local`, `variable HOLDFAST__…`, `--set …`. */
export function originText(origin: Origin, file: string): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${file}:${origin.line}`;
    case 'environment':
      return `${file}:${origin.line}, environment ${origin.environment}`;
    case 'protected':
      return `${file}:${origin.line} of ${origin.branch}`;
    case 'variable':
      return `variable ${origin.name}`;
    case 'set':
      return `--set ${origin.key}`;
  }
}

type Row = readonly [text: string, from: string];

function rowsOf(map: Mapping, depth: number, file: string): Row[] {
  const indent = '  '.repeat(depth);
  return [...map.entries].flatMap(([key, { value }]): Row[] => {
    const name = `${indent}${written(key)}:`;
    if (value.type === 'map' && value.entries.size > 0) return [[name, ''], ...rowsOf(value, depth + 1, file)];
    return [[`${name} ${inOneLine(value)}`, originText(value.place.origin, file)]];
  });
}

function inOneLine(tree: Tree): string {
  if (tree.type === 'list') return tree.items.length === 0 ? '[]' : `[${tree.items.map(inOneLine).join(', ')}]`;
  if (tree.type === 'map') {
    const members = [...tree.entries].map(([key, { value }]) => `${written(key)}: ${inOneLine(value)}`);
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  return written(shown(tree));
}

function redacted(tree: Tree): unknown {
  if (tree.type === 'list') return tree.items.map(redacted);
  if (tree.type === 'map') {
    return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, redacted(value)]));
  }
  return shown(tree);
}

function shown({ secrets, value }: Scalar): Scalar['value'] {
  return secrets === undefined || secrets.length === 0 ? value : `<secret ${secrets.join(', ')}>`;
}

/** As YAML writes it on one line, in quotes where it would be read as something else. */
function written(value: Scalar['value']): string {
  if (typeof value === 'string' && !/^[\w./~@<>-][\w ./~@<>-]*$/.test(value)) return JSON.stringify(value);
  return stringify(value, { lineWidth: 0 }).trim();
}
