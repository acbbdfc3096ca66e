import { parseDocument } from 'yaml';
import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import type { Detected } from './detect.ts';

/**
 * The text of a first holdfast.yml. What a release from GitHub needs stands at its end, commented out: it becomes part of
 * the file by taking "# " away from those lines. Pure.
 */
export function configurationFor(detected: Detected, port: number, health: string): string {
  const { service, command, artifact, build, databases } = detected;
  const list = (words: readonly string[]) => `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
  const folders = [
    ...new Set(databases.map((path) => path.split('/').slice(0, -1).join('/')).filter((path) => path !== '')),
  ];
  const source =
    build === undefined
      ? [`    artifact: ${JSON.stringify(artifact)} # what is deployed`]
      : [`    build: { command: ${list(build)}, output: ${JSON.stringify(artifact)} }`];
  const shared = folders.length === 0 ? [] : [`    shared: ${list(folders)} # folders that outlive releases`];
  const state =
    folders.length === 0
      ? []
      : [
          'state: # what a rollback can bring back',
          ...folders.map(
            (path) =>
              `  ${stateName(path)}: { kind: files, service: ${asText(service)}, path: ${JSON.stringify(path)} }`,
          ),
          '',
        ];
  return [
    'version: 1',
    `project: ${asText(service)} # the same in every checkout, whatever its folder is called`,
    'services:',
    `  ${service}:`,
    ...source,
    `    run: { command: ${list(command)}, port: ${port} }`,
    `    health: { path: ${JSON.stringify(health)} }`,
    ...shared,
    '',
    ...state,
    'environments:',
    '  local:',
    `    target: { kind: directory, path: ~/apps/${service} }`,
    ...productionOf(service).map((line) => `# ${line}`),
    '',
  ].join('\n');
}

/** A folder may be called `true`, which YAML reads as something else than a name. */
function asText(name: string): string {
  return /^(?:true|false|null)$/.test(name) ? `'${name}'` : name;
}

function productionOf(service: string): string[] {
  return [
    '  production: # a server, for releases from GitHub: take the "# " away from this line to the last one',
    '    target:',
    '      kind: ssh',
    '      hosts: [app1.example.org] # its name or address',
    `      path: /srv/${service} # a folder that belongs to this user`,
    '      user: deploy',
    '      host_keys: # what "ssh-keyscan -t ed25519 app1.example.org" prints',
    "        app1.example.org: ['ssh-ed25519 AAAA…']",
    '      key: ${DEPLOY_KEY} # a private key, as a secret of the repository on GitHub',
    'secrets: [DEPLOY_KEY]',
  ];
}

/** What a workflow has to know of a configuration. */
export interface Known {
  /** Every name under `secrets`, in order; those that are only commented out by us count. */
  readonly secrets: readonly string[];
  readonly environments: readonly string[];
}

const SecretName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);
const Part = z.looseObject({
  secrets: z.array(SecretName).nullish(),
  environments: z.record(z.string(), z.unknown()).nullish(),
});
const COMMENTED_SECRETS = /^# secrets: \[([A-Za-z0-9_, ]*)\]$/m;

/** Reads as much of a holdfast.yml as its callers need. Throws UserError `configuration-unreadable`. */
export function readKnown(text: string, path: string): Known {
  const document = parseDocument(text, { logLevel: 'silent' });
  const part = document.errors.length === 0 ? Part.safeParse(document.toJS()).data : undefined;
  if (part === undefined) {
    throw new UserError('configuration-unreadable', `${path} is there and was left as it is, and it cannot be read`, {
      hint: 'Correct what "holdfast config check" says, then run init again for the workflows.',
    });
  }
  const listed = part.secrets ?? [];
  const commented = (COMMENTED_SECRETS.exec(text)?.[1] ?? '').split(',').map((name) => name.trim());
  const secrets = [...new Set([...listed, ...commented.filter((name) => name !== '')])];
  return { secrets, environments: Object.keys(part.environments ?? {}) };
}

function stateName(path: string): string {
  const name = path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return name === '' ? 'data' : name.slice(0, 40);
}
