import { dirname, join, relative, resolve } from 'node:path';
import { isAlias, isScalar, isSeq, parseDocument } from 'yaml';
import type { ConfigurationCall } from '../config/commands.ts';
import type { LoadRequest } from '../config/load.ts';
import { UserError } from '../core/errors.ts';
import type { Files } from '../platform/files.ts';
import type { CommonOptions } from './command-line.ts';

export interface ConfigurationFile {
  /** As messages show it: relative to where the user is. */
  readonly shown: string;
  /** Absolute. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const DEFAULT_NAME = 'holdfast.yml';

/**
 * Reads `--config`, or the nearest holdfast.yml from `cwd` upwards.
 * Throws UserError `no-configuration` when there is none, `configuration-unreadable` when it cannot be read.
 */
export async function readConfigurationFile(
  named: string | undefined,
  cwd: string,
  files: Pick<Files, 'read'>,
): Promise<ConfigurationFile> {
  for (const path of named === undefined ? candidates(cwd) : [resolve(cwd, named)]) {
    const bytes = await readOrExplain(path, files);
    if (bytes !== undefined) return { shown: relative(cwd, path), path, bytes };
  }
  const what =
    named === undefined
      ? `there is no ${DEFAULT_NAME} in ${cwd} or in a folder above it`
      : `the configuration ${named} does not exist`;
  throw new UserError('no-configuration', what, {
    hint: 'Run "holdfast init" to write one, or name it with --config.',
  });
}

async function readOrExplain(path: string, files: Pick<Files, 'read'>): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch (cause) {
    throw new UserError('configuration-unreadable', `${path} cannot be read`, {
      hint: 'Name a file that you may read with --config.',
      cause,
    });
  }
}

function candidates(cwd: string): readonly string[] {
  const folder = resolve(cwd);
  const above = dirname(folder);
  return [join(folder, DEFAULT_NAME), ...(above === folder ? [] : candidates(above))];
}

/**
 * The values of everything that the file lists under `secrets`, by name, whether or not the rest of the file is valid:
 * they are masked before the first problem of the file is printed.
 */
export function listedSecrets(
  bytes: Uint8Array,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const values: Record<string, string> = {};
  const document = parseDocument(new TextDecoder().decode(bytes), { logLevel: 'silent' });
  const follow = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);
  const list = follow(document.get('secrets'));
  if (!isSeq(list)) return values;
  for (const item of list.items.map(follow)) {
    const name = isScalar(item) ? String(item.value) : '';
    const value = environment[name];
    if (value !== undefined && value !== '') values[name] = value;
  }
  return values;
}

/** Loads what was read for one environment. Secrets and variables come from the process environment, by listed name. */
export async function loadConfigurationFile(
  file: ConfigurationFile,
  options: Pick<CommonOptions, 'environment' | 'set'>,
  processEnvironment: Readonly<Record<string, string | undefined>>,
): Promise<ConfigurationCall> {
  const { loadConfiguration, parseOverrides } = await import('../config/load.ts');
  const available: Record<string, string> = {};
  for (const [name, value] of Object.entries(processEnvironment)) if (value !== undefined) available[name] = value;
  const request: LoadRequest = {
    bytes: file.bytes,
    file: file.shown,
    directory: dirname(file.path),
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    secrets: available,
    variables: available,
    overrides: parseOverrides({ environment: processEnvironment, set: [...options.set] }),
  };
  return { request, result: loadConfiguration(request) };
}
