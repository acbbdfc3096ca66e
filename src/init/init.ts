import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import type { Action } from '../core/action.ts';
import { UserError } from '../core/errors.ts';
import { composeReport } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';
import { aboutCallers, type Callers, writeCallers } from './callers.ts';
import { type Detected, detect } from './detect.ts';
import { configurationFor, readKnown } from './first-configuration.ts';
import { findRepository } from './repository.ts';

const inputs = z.strictObject({
  directory: z.string().prefault('.').meta({ description: 'The folder to look at; holdfast.yml is written there' }),
  port: z.int().min(1).max(65_535).prefault(3000).meta({ description: 'The port that the service listens on' }),
  health: z
    .string()
    .startsWith('/')
    .prefault('/')
    .meta({ description: 'A path that answers 2xx when the service can work' }),
  uses: z
    .string()
    .regex(/^[\w-][\w.-]*\/[\w-][\w.-]*@[0-9a-f]{40}$/, {
      error: 'expected OWNER/REPOSITORY@COMMIT, the commit with all of its 40 hexadecimal digits',
    })
    .optional()
    .meta({
      description: 'Whose Holdfast the workflows call, and at which commit',
      placeholder: 'OWNER/REPOSITORY@COMMIT',
    }),
});

type Slice = Pick<Platform, 'clock' | 'files'>;

/** Looks at what is here and writes a holdfast.yml that works, and workflows that release it. Never overwrites a file. */
export const init: Action<typeof inputs, undefined, Slice> = {
  name: 'init',
  summary: 'look at what is here, write holdfast.yml, and in a git repository the workflows that release it',
  group: 'Configuration',
  settings: 'none',
  inputs,
  positional: ['directory'],
  examples: ['init', 'init --port 8080 --health /healthz'],
  reasons: ['written'],
  async run({ inputs: { directory, port, health, uses } }, { clock, files }) {
    const startedAt = clock.now();
    const folder = await files.realPath(directory).catch(() => {
      throw new UserError('folder-missing', `there is no folder ${directory}`, {
        hint: 'Name the folder of your application.',
      });
    });
    const path = join(folder, 'holdfast.yml');
    const detected = await detect(folder, files);
    const isNew = await files.create(path, configurationFor(detected, port, health));
    const callers = await callersOf(path, detected, uses, files);
    const { written, left } = callers === undefined ? { written: [], left: [] } : await writeCallers(callers, files);
    const list = (paths: readonly string[]) =>
      paths.map((each) => relative(callers?.repository.root ?? folder, each)).join(', ');
    if (!isNew && written.length === 0) throw alreadyThere([path, ...left]);
    const kept = isNew ? left : [path, ...left];
    const toReplace = uses === undefined && written.length > 0 ? REPLACE : '';
    const seen = isNew ? [...detected.seen, ...besideProgram(detected)] : [];
    return composeReport(
      'init',
      { project: detected.service, environment: 'local' },
      { startedAt, finishedAt: clock.now() },
      {
        reason: 'written',
        summary: [
          `wrote ${list(isNew ? [path, ...written] : written)}`,
          ...(kept.length === 0 ? [] : [`there already and left as before: ${list(kept)}`]),
          `next: holdfast config check, then holdfast release --version v1${toReplace}`,
        ].join('; '),
        record: {
          file: path,
          written: isNew ? [path, ...written] : written,
          left: kept,
          seen: [...seen, ...(callers === undefined ? [NO_REPOSITORY] : aboutCallers(callers))],
        },
      },
    );
  },
  present(report) {
    const seen = z.array(z.string()).safeParse(report.record?.['seen']).data ?? [];
    return seen.map((text) => ({ kind: 'text' as const, text }));
  },
};

const NO_REPOSITORY = 'no git repository: run init in one for workflows that release from GitHub';
const REPLACE =
  '; in the workflows, put whose Holdfast is called, and at which commit, in place of OWNER/holdfast and the zeros';

/** Undefined outside of a git repository. */
async function callersOf(
  path: string,
  { needsPackages = false }: Detected,
  uses: string | undefined,
  files: Slice['files'],
): Promise<Callers | undefined> {
  const repository = await findRepository(dirname(path), files);
  if (repository === undefined) return undefined;
  const known = readKnown((await files.read(path))?.toString('utf8') ?? '', path);
  return { repository, known, uses, needsPackages };
}

function alreadyThere(paths: readonly string[]): UserError {
  const was = paths.length === 1 ? 'exists already and was left as it is' : 'exist already and were left as they are';
  return new UserError('already-there', `${paths.join(', ')} ${was}`, {
    hint: 'Change what is there, or move it away and run init again.',
  });
}

/** A database among the files of the program would be replaced with them: it has to move. */
function besideProgram({ databases }: Detected): string[] {
  const beside = databases.filter((path) => !path.includes('/'));
  return beside.map(
    (path) => `${path} lies among the program's own files: keep it in the folder that HOLDFAST_SHARED names`,
  );
}
