import { join } from 'node:path';
import { Baseline, isBaselineIntact } from '../checks/baseline.ts';
import { OutsideError } from '../core/errors.ts';
import { readOwn } from '../targets/directory/book.ts';
import type { Environment } from './environment.ts';

/**
 * The baseline that a release of this environment is compared with: the one recorded by its last promotion, or, with
 * `validate.baseline.from`, the reviewed file `baselines/<project>/<from>.json` beside holdfast.yml. Undefined when there is none.
 */
export async function latestBaseline({
  settings,
  layout,
  machine,
  platform,
}: Environment): Promise<Baseline | undefined> {
  const { from } = settings.validate.baseline;
  const isOwn = from === undefined || from === settings.environment;
  const path = isOwn
    ? join(layout.baselines, 'latest.json')
    : join(settings.directory, 'baselines', settings.project, `${from}.json`);
  const baseline = await readOwn(path, Baseline, isOwn ? machine : { ...machine, files: platform.files });
  if (baseline === undefined || isBaselineIntact(baseline)) return baseline;
  throw new OutsideError('baseline-damaged', `the baseline ${path} is not what was recorded: its digest differs`, {
    hint: 'Record a new one with: holdfast baseline record',
  });
}

/** Keeps a baseline by its id and as the latest one. */
export async function saveBaseline(baseline: Baseline, { layout, machine }: Environment): Promise<void> {
  const text = JSON.stringify(baseline);
  await machine.files.write(join(layout.baselines, `${baseline.id}.json`), text, 0o600);
  await machine.files.write(join(layout.baselines, 'latest.json'), text, 0o600);
}
