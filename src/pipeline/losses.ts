import { errorMessage, Interrupted } from '../core/errors.ts';
import type { Environment } from '../environment/environment.ts';
import { describeWrites } from '../environment/restore.ts';
import type { Manifest } from '../sources/manifest.ts';
import { countWrites, unpackBackup } from '../sources/restore.ts';
import type { LiveRelease } from '../targets/target.ts';

/**
 * What a restore of these sources would lose or make doubtful, for people, one part of a sentence each; empty when the
 * state is still that of the backup. Unpacks the backup into `folder` and leaves it there. Live state is only read.
 * Rejects with OutsideError when the backup is damaged.
 */
export async function describeLosses(
  manifest: Manifest,
  only: readonly string[],
  folder: string,
  live: LiveRelease | undefined,
  environment: Environment,
): Promise<string[]> {
  const { sources, store, machine, platform, settings } = environment;
  const progress = platform.log.step('unpack the backup and count what was written since');
  try {
    const log = { progress: (done: number, total: number, unit: string) => progress.progress(done, total, unit) };
    await unpackBackup({ record: manifest, folder, machine, store, signal: platform.signal, log }, manifest);
    const writes = describeWrites(await countWrites({ folder, record: manifest, sources, store, only }));
    const losses = [
      ...(manifest.environment === settings.environment && manifest.project === settings.project
        ? []
        : [`it was taken of ${manifest.environment} of ${manifest.project}`]),
      ...(writes === undefined ? [] : [`${writes} written since ${manifest.createdAt}`]),
      ...(await structureChanges(manifest, only, live, environment)),
    ];
    progress.end('proceed', writes === undefined ? 'nothing was written since' : writes);
    return losses;
  } catch (error) {
    progress.end('stop', 'failed');
    throw error;
  }
}

async function structureChanges(
  { sources, version }: Manifest,
  only: readonly string[],
  live: LiveRelease | undefined,
  environment: Environment,
): Promise<string[]> {
  const changes: string[] = [];
  for (const { name, fingerprint } of sources.filter((each) => only.includes(each.name))) {
    const source = environment.sources.find((each) => each.name === name);
    try {
      if (((await source?.fingerprint()) ?? null) === fingerprint) continue;
      const of = version === undefined ? 'what was there before anything was live' : `that of ${version}`;
      const now = live === undefined || live.record.version === version ? '' : `, and ${live.record.version} is live`;
      changes.push(`the structure of ${name} would be ${of} again${now}`);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      changes.push(`${name} cannot be read now (${errorMessage(error)})`);
    }
  }
  return changes;
}
