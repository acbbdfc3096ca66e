import { join } from 'node:path';
import { z } from 'zod';
import type { Action } from '../core/action.ts';
import { UserError } from '../core/errors.ts';
import { composeReport } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';
import { type Detected, detect } from './detect.ts';

const inputs = z.strictObject({
  directory: z.string().prefault('.').meta({ description: 'The folder to look at; holdfast.yml is written there' }),
  port: z.int().min(1).max(65_535).prefault(3000).meta({ description: 'The port that the service listens on' }),
  health: z
    .string()
    .startsWith('/')
    .prefault('/')
    .meta({ description: 'A path that answers 2xx when the service can work' }),
});

/** Looks at what is here and writes a holdfast.yml that works, with a comment at each guess. Never overwrites one. */
export const init: Action<typeof inputs, undefined, Platform> = {
  name: 'init',
  summary: 'look at what is here and write holdfast.yml',
  group: 'Configuration',
  settings: 'none',
  inputs,
  positional: ['directory'],
  examples: ['init', 'init --port 8080 --health /healthz'],
  reasons: ['written'],
  async run({ inputs: { directory, port, health } }, platform) {
    const startedAt = platform.clock.now();
    const folder = await platform.files.realPath(directory).catch(() => {
      throw new UserError('folder-missing', `there is no folder ${directory}`, {
        hint: 'Name the folder of your application.',
      });
    });
    const path = join(folder, 'holdfast.yml');
    const detected = await detect(folder, platform.files);
    const written = await platform.files.create(path, configurationFor(detected, port, health));
    if (!written) {
      throw new UserError('already-there', `${path} exists already and was left as it is`, {
        hint: 'Change it, or move it away and run init again.',
      });
    }
    return composeReport(
      'init',
      { project: detected.service, environment: 'local' },
      { startedAt, finishedAt: platform.clock.now() },
      {
        reason: 'written',
        summary: `wrote ${path}; next: holdfast config check, then holdfast release --version v1`,
        record: { file: path, seen: [...detected.seen, ...besideProgram(detected)] },
      },
    );
  },
  present(report) {
    const seen = z.array(z.string()).safeParse(report.record?.['seen']).data ?? [];
    return seen.map((text) => ({ kind: 'text' as const, text }));
  },
};

/** A database among the files of the program would be replaced with them: it has to move. */
function besideProgram({ databases }: Detected): string[] {
  const beside = databases.filter((path) => !path.includes('/'));
  return beside.map(
    (path) => `${path} lies among the program's own files: keep it in the folder that HOLDFAST_SHARED names`,
  );
}

/** The text of a holdfast.yml: pure. */
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
            (path) => `  ${stateName(path)}: { kind: files, service: ${service}, path: ${JSON.stringify(path)} }`,
          ),
          '',
        ];
  return [
    'version: 1',
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
    '',
  ].join('\n');
}

function stateName(path: string): string {
  const name = path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return name === '' ? 'data' : name.slice(0, 40);
}
