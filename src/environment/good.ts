import { type Environment, sitesOf } from './environment.ts';
import { pruneReleases } from './prune.ts';
import { endRun, markRelease, markRun } from './settle.ts';

/**
 * Marks the live release good: from here on it is what a rollback may return to. The journal learns it first, so that a
 * run killed in between is finished, not undone. Then old releases are removed. Calling it twice changes nothing more.
 */
export async function markGood(release: string, environment: Environment): Promise<{ removed: readonly string[] }> {
  await markRun(release, 'promoted', environment);
  await markRelease(release, 'good', undefined, environment);
  await endRun(release, 'finished', environment);
  const removed = await Promise.all(
    sitesOf(environment).map((site) => pruneReleases(site, environment.settings.releases.keep)),
  );
  return { removed: removed[0] ?? [] };
}
