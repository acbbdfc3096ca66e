import { join } from 'node:path';
import { DONE, type Step, type StepProgress } from '../core/step.ts';
import type { JournalRun } from '../journal/journal.ts';
import { readManifest } from '../sources/catalog.ts';
import { countWrites, planRestore, type RestorePhase, type SourceWrites } from '../sources/restore.ts';
import type { Environment } from './environment.ts';

/** The steps of a rollback that concern its data, around those that concern its code. */
export interface Restore {
  /** While the failed release still runs: unpack and verify the copy. */
  readonly before: readonly Step[];
  /** While nothing runs: count what is lost, put every source in place, verify it. */
  readonly between: readonly Step[];
  /** Once the old release runs: the structure is still that of the backup. */
  readonly after: readonly Step[];
  /** What was written since the backup; complete once `between` is done. */
  writes(): readonly SourceWrites[];
  /** Removes the unpacked copy. The failed state, set aside, stays until its release is pruned. */
  cleanUp(): Promise<void>;
}

export interface RestoreRun {
  readonly run: string;
  /** The release that is left; undefined where none is. */
  readonly from: string | undefined;
  /** The release that runs afterwards. */
  readonly to: string | undefined;
  /** Where a person restores a backup under the live release: the state that is put back. */
  readonly sources?: readonly string[] | undefined;
}

/**
 * Plans the restore of a backup for the run of this name. `earlier` is what its journal tells when it was interrupted:
 * a source that is in place is not replaced again, because the old release may have written to it since.
 */
export async function restoreSteps(
  backup: string,
  { run, from, to, sources: only }: RestoreRun,
  earlier: JournalRun | undefined,
  environment: Environment,
): Promise<Restore> {
  const { store, machine, sources, layout, platform } = environment;
  const folder = join(layout.scratch, run);
  const manifest = await readManifest(backup, store);
  let progress: StepProgress = { progress() {}, note() {} };
  const phases = await planRestore({
    record: manifest,
    folder,
    // Below the release that failed, with which it is pruned; of its own for each run, since a release can be left twice.
    aside: from === undefined ? layout.aside(run) : join(layout.aside(from), run),
    machine,
    only,
    sources,
    store,
    signal: platform.signal,
    log: { progress: (done, total, unit) => progress.progress(done, total, unit) },
  });
  const isDone = (step: string) => earlier?.done.has(step) ?? false;
  const wasStarted = [...(earlier?.begun ?? [])].some((step) => step.startsWith('start:'));
  // Once the old release runs it writes, and can no longer be compared with the backup.
  const isSettled = phases.every(
    ({ name }) => name === 'unpack' || isDone(stepName(name)) || (wasStarted && name.startsWith('verify-')),
  );
  const toStep = (phase: RestorePhase): Step => ({
    name: stepName(phase.name),
    summary: describePhase(phase.name, backup),
    async run(reporting) {
      progress = reporting;
      for (const { path, message } of await phase.run()) reporting.note(`${path}: ${message}`);
      return DONE;
    },
  });
  let writes: readonly SourceWrites[] = [];
  const count: Step = {
    name: 'count-writes',
    summary: 'count what was written since the backup',
    async run() {
      writes = await countWrites({ folder, record: manifest, sources, store, only });
      const facts = Object.fromEntries(writes.map((each) => [each.source, each.count ?? 'unknown']));
      return { outcome: 'done', facts };
    },
  };
  const steps = phases.filter(({ name }) => name !== 'unpack').map(toStep);
  // A newer release may bring what it was not copied from up to its own structure when it starts.
  const mayMigrate = only !== undefined && manifest.release !== to;
  const expected = manifest.sources.filter(({ name }) => only === undefined || only.includes(name));
  const unpack = phases.filter(({ name }) => name === 'unpack').map(toStep);
  return {
    before: isSettled ? [] : unpack,
    between: isSettled
      ? []
      : [...(isDone('count-writes') ? [] : [count]), ...steps.filter(({ name }) => !isDone(name))],
    after: mayMigrate ? [] : [verifyStructure(expected, environment)],
    writes: () => writes,
    cleanUp: () => machine.files.remove(folder),
  };
}

function stepName(phase: string): string {
  return phase.replace('-', ':');
}

function describePhase(phase: string, backup: string): string {
  const [verb, ...rest] = phase.split('-');
  const source = rest.join('-');
  if (verb === 'restore') return `put ${source} back as it was in ${backup}, and keep the failed state aside`;
  if (verb === 'verify') return `compare ${source} with ${backup}`;
  return `unpack ${backup} and compare every digest`;
}

/** The old release may migrate again when it starts: then it does not run on what was restored. */
function verifyStructure(
  expected: readonly { readonly name: string; readonly fingerprint: string | null }[],
  { sources }: Environment,
): Step {
  return {
    name: 'verify-structure',
    summary: 'see that the running release left the structure of the restored data as it was',
    async run() {
      for (const { name, fingerprint } of expected) {
        const source = sources.find((each) => each.name === name);
        if (source === undefined || ((await source.fingerprint()) ?? null) === fingerprint) continue;
        return {
          outcome: 'failed',
          reason: 'structure-changed',
          message: `the schema of ${name} is not that of the backup although it was restored`,
          remedy: 'Look at what the old release does to its database when it starts.',
        };
      }
      return DONE;
    },
  };
}

/** `3 rows in policies, 1 file in uploads`; undefined when nothing was written. */
export function describeWrites(writes: readonly SourceWrites[]): string | undefined {
  const parts = writes.flatMap(({ source, count, unit }) => {
    if (count === undefined) return [`an unknown number of ${unit} in ${source}`];
    return count === 0 ? [] : [`${count} ${count === 1 ? unit.slice(0, -1) : unit} in ${source}`];
  });
  return parts.length === 0 ? undefined : parts.join(', ');
}
