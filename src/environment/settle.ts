import type { ReleaseState } from '../targets/target.ts';
import { type Environment, sitesOf } from './environment.ts';

/** Marks a release on every machine that has it. */
export async function markRelease(
  release: string,
  state: ReleaseState,
  failure: string | undefined,
  environment: Environment,
): Promise<void> {
  for (const { book } of sitesOf(environment)) await book.mark(release, state, failure);
}

/** Ends a run in the journal of every machine where it is open. Ending it twice changes nothing. */
export async function endRun(
  run: string,
  outcome: 'finished' | 'undone' | 'unsafe',
  environment: Environment,
): Promise<void> {
  for (const { journal } of sitesOf(environment)) {
    const found = await journal.read(run);
    if (found !== undefined && !found.ended) await journal.write(run, { line: 'end', outcome });
  }
}

/** Writes a decision that recovery must know of into the journal of every machine where the run is open. */
export async function markRun(
  run: string,
  mark: 'deployed' | 'promoted' | 'rolling-back',
  environment: Environment,
): Promise<void> {
  for (const { journal } of sitesOf(environment)) {
    const found = await journal.read(run);
    if (found !== undefined && !found.ended && !found.marks.has(mark)) await journal.write(run, { line: 'mark', mark });
  }
}
