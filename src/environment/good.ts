import type { Environment } from './environment.ts';
import { pruneReleases } from './prune.ts';

/**
 * Marks the live release good: from here on it is what a rollback may return to. The journal learns it first, so that a
 * run killed in between is finished, not undone. Then old releases are removed. Calling it twice changes nothing more.
 */
export async function markGood(release: string, environment: Environment): Promise<{ removed: readonly string[] }> {
  const { journal, book } = environment;
  const run = await journal.read(release);
  if (run !== undefined && !run.ended && !run.marks.has('promoted')) {
    await journal.write(release, { line: 'mark', mark: 'promoted' });
  }
  await book.mark(release, 'good');
  if (run !== undefined && !run.ended) await journal.write(release, { line: 'end', outcome: 'finished' });
  return { removed: await pruneReleases(environment) };
}
