import { environmentNames, listedNames } from './names.ts';
import { readTree } from './read.ts';
import { type Reference, referencesIn } from './substitute.ts';
import { type Mapping, pathText, scalarsOf } from './tree.ts';

interface Use extends Reference {
  readonly path: string;
}

/**
 * A file in the form of `.env` with every name that the configuration lists under `secrets` and `variables`: where it is
 * used, whether it is required, its default. Of all environments; nothing of the values that are set. A file that cannot
 * be read as YAML has no names.
 *
 *     # secret, required: where the policies live
 *     # read by services.api.env.DATABASE_URL
 *     DATABASE_URL=
 */
export function environmentTemplate(bytes: Uint8Array, file: string): string {
  const { root } = readTree(bytes, file);
  if (root === undefined) return `# ${file} cannot be read; "holdfast config check" says why\n`;
  const uses = usesIn(root);
  const secrets = listedNames(root, 'secrets').map((name) => entry(name, 'secret', uses));
  const variables = listedNames(root, 'variables').map((name) => entry(name, 'variable', uses));
  const names = [...secrets, ...variables];
  const environments = environmentNames(root);
  const head = [
    `# What ${file} reads from outside, for ${environments.length === 0 ? 'no environment' : environments.join(', ')}.`,
    '# Fill it in where Holdfast runs; a file with values in it does not belong into the repository.',
  ];
  return `${[head.join('\n'), ...(names.length === 0 ? ['# It lists neither secrets nor variables.'] : names)].join('\n\n')}\n`;
}

function usesIn(root: Mapping): Use[] {
  return [...scalarsOf(root)].flatMap(([path, { value }]) =>
    typeof value === 'string' ? referencesIn(value).map((reference) => ({ ...reference, path: pathText(path) })) : [],
  );
}

function entry(name: string, kind: 'secret' | 'variable', uses: readonly Use[]): string {
  const here = uses.filter((use) => use.name === name);
  const defaults = [...new Set(here.flatMap(({ fallback }) => fallback ?? []))];
  const isRequired = here.some(({ fallback }) => fallback === undefined);
  const messages = [
    ...new Set(here.flatMap(({ message }) => (message === undefined || message === '' ? [] : [message]))),
  ];
  const need = here.length === 0 ? 'read by nothing' : isRequired ? 'required' : 'optional';
  const shown = defaults.length === 0 ? '' : `, default ${defaults.map((text) => JSON.stringify(text)).join(' or ')}`;
  const about = messages.length === 0 ? '' : `: ${messages.join('; ')}`;
  return [
    ...comment(`${kind}, ${need}${shown}${about}`),
    ...(here.length === 0 ? [] : comment(`read by ${[...new Set(here.map(({ path }) => path))].join(', ')}`)),
    `${isRequired ? '' : '#'}${name}=`,
  ].join('\n');
}

/** Texts of the file may hold line breaks. */
function comment(text: string): string[] {
  return text.split(/\r?\n/).map((line) => `# ${line}`);
}
