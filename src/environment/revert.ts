import { errorMessage } from '../core/errors.ts';
import type { Step } from '../core/step.ts';
import type { JournalRun } from '../journal/journal.ts';
import type { Lease } from '../journal/lease.ts';
import { type Walk, walk } from '../journal/walk.ts';
import type { SourceWrites } from '../sources/restore.ts';
import { activationSteps } from '../targets/directory/activation.ts';
import { type Environment, startablesOf, toolsOf } from './environment.ts';
import { type Restore, restoreSteps } from './restore.ts';

export interface RevertRequest {
  /** Name of this run in the journal. */
  readonly run: string;
  /** The release that is left; undefined when only its traces are known. */
  readonly from: string | undefined;
  /** Where to: a good release; undefined brings the environment back to nothing being live. */
  readonly to: string | undefined;
  /** The backup that is put back; undefined keeps the data. */
  readonly backup: string | undefined;
  /** Only where a person restores the backup under the live release `to`: the state that is put back. */
  readonly sources?: readonly string[] | undefined;
  readonly actor: string;
  /** Why `from` is left, for its record; undefined leaves its state as it is (a rollback by hand of a good release). */
  readonly failure: string | undefined;
}

export interface Reverted {
  readonly walk: Walk;
  /** What was written since the backup that was put back, by state source. */
  readonly writes: readonly SourceWrites[];
}

/**
 * Brings an environment back to a good release, with its data where a backup is named. It walks the same steps as a
 * deploy, from whatever state a failed or killed run left, and may itself be killed and run again: what the journal of
 * `run` says is restored is not restored twice. The runs it settles are ended when, and only when, all steps are done.
 */
export async function revert(request: RevertRequest, lease: Lease, environment: Environment): Promise<Reverted> {
  const { journal, book, platform } = environment;
  const earlier = await journal.read(request.run);
  if (earlier === undefined) {
    await journal.begin({
      run: request.run,
      kind: 'rollback',
      ...(request.from === undefined ? {} : { release: request.from }),
      ...(request.to === undefined ? {} : { previous: request.to }),
      ...(request.backup === undefined ? {} : { backup: request.backup }),
      ...(request.sources === undefined ? {} : { sources: [...request.sources] }),
      data: request.backup === undefined ? 'keep' : 'restore',
      actor: request.actor,
    });
  }
  const restore =
    request.backup === undefined ? undefined : await restoreSteps(request.backup, request, earlier, environment);
  const steps = await revertSteps(request.to, restore, environment);
  const { clock, log, signal } = platform;
  const walked = await walk(request.run, steps, { journal, lease, clock, log, signal });
  if (walked.completed) {
    if (request.from !== undefined && request.failure !== undefined)
      await book.mark(request.from, 'bad', request.failure);
    for (const open of await journal.open()) {
      if (open.header.run !== request.run) await journal.write(open.header.run, { line: 'end', outcome: 'undone' });
    }
    await journal.write(request.run, { line: 'end', outcome: 'finished' });
    await restore
      ?.cleanUp()
      .catch((error: unknown) => log.warn(`the unpacked backup could not be removed: ${errorMessage(error)}`));
  }
  return { walk: walked, writes: restore?.writes() ?? [] };
}

/** The steps of a rollback, for `plan` and for the rollback itself. */
export async function revertSteps(
  to: string | undefined,
  restore: Restore | undefined,
  environment: Environment,
): Promise<Step[]> {
  const { instances } = environment;
  const services = to === undefined ? [] : await startablesOf(to, environment);
  const changed = new Set<string>();
  for (const { service, release, settings } of services) {
    const running = (await instances.find(service)).filter(({ alive }) => alive);
    const asItShould =
      running.length === settings.run.instances && running.every((instance) => instance.release === release);
    if (restore !== undefined || !asItShould) changed.add(service);
  }
  const retired = (await instances.services()).filter((name) => !services.some(({ service }) => service === name));
  const activation = {
    release: to,
    services,
    changed,
    retired,
    between: restore?.between ?? [],
    stopAll: restore !== undefined,
  };
  return [...(restore?.before ?? []), ...activationSteps(activation, toolsOf(environment)), ...(restore?.after ?? [])];
}

/** What the journal of a deploy, and the state itself, say about whether the data changed its shape. */
export async function wasMigrated(
  deploy: JournalRun | undefined,
  fingerprints: Readonly<Record<string, string | null>>,
  environment: Environment,
): Promise<{ readonly migrated: boolean; readonly why: string }> {
  const command = [...(deploy?.begun ?? [])].find((step) => step.startsWith('migrate:'));
  if (command !== undefined)
    return { migrated: true, why: `the migrate command of ${command.slice('migrate:'.length)} ran` };
  for (const source of environment.sources) {
    const before = fingerprints[source.name];
    if (before === undefined) continue;
    try {
      if (((await source.fingerprint()) ?? null) !== before) {
        return { migrated: true, why: `the schema of ${source.name} changed` };
      }
    } catch (error) {
      return { migrated: true, why: `${source.name} cannot be read any more (${errorMessage(error)})` };
    }
  }
  return { migrated: false, why: 'no migrate command ran and no schema changed' };
}
