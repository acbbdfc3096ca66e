import { isAbsolute, join } from 'node:path';
import { Baseline } from '../checks/baseline.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import { readOwn } from '../targets/directory/book.ts';
import type { Environment } from './environment.ts';

/**
 * The baseline that a release of this environment is compared with: the one recorded by its last promotion, or, with
 * `validate.baseline.from`, the reviewed file `baselines/<project>/<from>.json` beside holdfast.yml. Undefined when there is none.
 */
export async function latestBaseline(environment: Environment): Promise<Baseline | undefined> {
  const { settings, layout, machine, platform } = environment;
  const { from } = settings.validate.baseline;
  if (from === undefined || from === settings.environment) {
    return readOwn(join(layout.baselines, LATEST), Baseline, machine);
  }
  return readOwn(reviewedPath(from, environment), Baseline, { ...machine, files: platform.files });
}

const LATEST = 'latest.json';

/** Keeps a baseline by its id and as the latest one. */
export async function saveBaseline(baseline: Baseline, environment: Environment): Promise<void> {
  const { layout, machine } = environment;
  await keepBaseline(baseline, environment);
  await machine.files.write(join(layout.baselines, LATEST), JSON.stringify(baseline), 0o600);
}

/** Keeps a baseline by its id; releases are still compared with the latest one. */
export async function keepBaseline(baseline: Baseline, { layout, machine }: Environment): Promise<void> {
  await machine.files.write(join(layout.baselines, `${baseline.id}.json`), JSON.stringify(baseline), 0o600);
}

/** Writes the reviewed file of this environment beside holdfast.yml, for a pull request. Answers its path. */
export async function writeReviewed(baseline: Baseline, environment: Environment): Promise<string> {
  const { settings, platform } = environment;
  const path = reviewedPath(settings.environment, environment);
  await platform.files.makeDirectory(join(path, '..'));
  await platform.files.write(path, `${JSON.stringify(baseline, undefined, 2)}\n`);
  return path;
}

function reviewedPath(name: string, { settings }: Environment): string {
  return join(settings.directory, 'baselines', settings.project, `${name}.json`);
}

/** All baselines that were recorded in this environment, oldest first. */
export async function listBaselines({ layout, machine }: Environment): Promise<Baseline[]> {
  const names = (await machine.files.list(layout.baselines)).filter((name) => /^[0-9a-f]{64}[.]json$/.test(name));
  const found = await Promise.all(names.map((name) => readOwn(join(layout.baselines, name), Baseline, machine)));
  return found.filter((baseline) => baseline !== undefined).sort((a, b) => (a.recordedAt < b.recordedAt ? -1 : 1));
}

/**
 * A baseline as somebody names it: `latest`, the beginning of an id (six digits at least), or a file, relative to
 * holdfast.yml. Rejects with UserError `no-baseline` when there is none.
 */
export async function baselineNamed(name: string, environment: Environment): Promise<Baseline> {
  const missing = (what: string) =>
    new UserError('no-baseline', what, { hint: 'Record one of the live release: holdfast baseline record' });
  if (name === 'latest') {
    const latest = await latestBaseline(environment);
    if (latest === undefined) throw missing(`${environment.settings.environment} has no baseline yet`);
    return latest;
  }
  if (!/^[0-9a-f]{6,64}$/.test(name)) return readBaselineFile(name, environment);
  const found = (await listBaselines(environment)).filter(({ id }) => id.startsWith(name));
  const [only] = found;
  if (only === undefined) throw missing(`no baseline of ${environment.settings.environment} has an id like ${name}`);
  if (found.length === 1) return only;
  throw new UserError('no-baseline', `${found.length} baselines begin with ${name}`, { hint: 'Give more of the id.' });
}

async function readBaselineFile(name: string, { settings, platform }: Environment): Promise<Baseline> {
  const path = isAbsolute(name) ? name : join(settings.directory, name);
  const bytes = await platform.files.read(path);
  if (bytes === undefined) {
    throw new UserError('no-baseline', `${name} is neither "latest", nor the id of a baseline, nor a file`, {
      hint: 'An id has at least six hexadecimal digits; a file is looked for beside holdfast.yml.',
    });
  }
  try {
    return Baseline.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new UserError('not-a-baseline', `${path} is no baseline: ${errorMessage(error).split('\n')[0]}`, {
      hint: 'Write one with: holdfast baseline record --write',
      cause: error,
    });
  }
}
