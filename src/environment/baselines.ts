import { isAbsolute, join, relative } from 'node:path';
import { Baseline } from '../checks/baseline.ts';
import { errorMessage, OutsideError, UserError } from '../core/errors.ts';
import { readOwn } from '../targets/directory/book.ts';
import type { Environment } from './environment.ts';
import { explainNone, type FoundBaseline } from './found-baseline.ts';
import { findKept, parseBaseline } from './kept-baseline.ts';

/**
 * The baseline that a release of this environment is compared with: the one recorded by its last promotion, or, with
 * `validate.baseline.from`, the reviewed file `baselines/<project>/<from>.json` beside holdfast.yml, or the newest that a
 * run of GitHub kept. Rejects with OutsideError `target-damaged`; a file or artifact that cannot be trusted, or seen, is
 * `refused`.
 */
export async function findBaseline(environment: Environment): Promise<FoundBaseline> {
  const { settings, layout, machine } = environment;
  const { from = settings.environment } = settings.validate.baseline;
  if (from === settings.environment) {
    const baseline = await readOwn(join(layout.baselines, LATEST), Baseline, machine);
    if (baseline === undefined) return { status: 'missing', environment: from, isOwn: true };
    return { status: 'found', where: 'target', baseline };
  }
  try {
    return await findOther(from, environment);
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof OutsideError)) throw error;
    return { status: 'refused', environment: from, why: error.message, remedy: error.hint };
  }
}

const LATEST = 'latest.json';

/** On GitHub the file of the default branch counts: what is released has no say in what it is compared with. */
async function findOther(from: string, environment: Environment): Promise<FoundBaseline> {
  const { settings, platform } = environment;
  const { workflow, files } = platform;
  const path = reviewedPath(from, environment);
  const shown = relative(settings.directory, path);
  if (workflow === undefined) {
    const bytes = await files.read(path);
    if (bytes === undefined) return { status: 'missing', environment: from, isOwn: false };
    return fromFile(bytes, from, shown);
  }
  const branch = await workflow.defaultBranch();
  const inRepository = relative(workflow.run.workspace ?? path, path);
  const isOutside = inRepository === '' || inRepository.startsWith('..');
  const bytes = await (isOutside ? files.read(path) : workflow.readFile(inRepository, branch.commit));
  if (bytes === undefined) return findKept(from, branch, workflow, environment);
  return fromFile(bytes, from, isOutside ? shown : `${shown} on ${branch.name}`);
}

function fromFile(bytes: Uint8Array, from: string, shown: string): FoundBaseline {
  const baseline = parseBaseline(bytes);
  if (baseline !== undefined) return { status: 'found', where: 'file', baseline };
  return { status: 'refused', environment: from, why: `${shown} is no baseline` };
}

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
    const latest = await findBaseline(environment);
    if (latest.status !== 'found') throw missing(explainNone(latest));
    return latest.baseline;
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
