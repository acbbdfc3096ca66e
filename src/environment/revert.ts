import { errorMessage } from '../core/errors.ts';
import { timedId } from '../core/names.ts';
import type { Step } from '../core/step.ts';
import type { JournalRun } from '../journal/journal.ts';
import type { Lease } from '../journal/lease.ts';
import type { Walk, WalkedStep } from '../journal/walk.ts';
import type { SourceWrites } from '../sources/restore.ts';
import { activationSteps } from '../targets/directory/activation.ts';
import { type Environment, sitesOf, startablesOf } from './environment.ts';
import { restoreSteps } from './restore.ts';
import type { Site } from './site.ts';
import { inBatches, type SiteSteps, walkSites } from './walk-sites.ts';

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
 * `run` says is restored is not restored twice. On each machine the runs it settles are ended when all its steps are
 * done; a machine that could not be reached keeps them open for the next recovery.
 */
export async function revert(request: RevertRequest, lease: Lease, environment: Environment): Promise<Reverted> {
  const { journal, platform, others, settings } = environment;
  const { run } = request;
  // What is begun will be finished by somebody: nothing is begun by a loser of the lease, nor towards what cannot run.
  await lease.assertHeld();
  if (request.to !== undefined) await startablesOf(request.to, environment);
  const earlier = await journal.read(run);
  const restore =
    request.backup === undefined ? undefined : await restoreSteps(request.backup, request, earlier, environment);
  const strangers = await withoutRelease(request.to, environment);
  const reachable = await beginEverywhere(request, strangers, environment);
  const plans = await Promise.all(
    others
      .filter((site) => reachable.has(site))
      .map(
        async (site): Promise<SiteSteps> => ({
          site,
          steps: await revertSteps(
            request.to,
            { stopAll: restore !== undefined, isRepeated: await wasBegun(run, site) },
            NOTHING,
            site,
          ),
        }),
      ),
  );
  const stopping = restore === undefined ? [] : plans.map(({ site, steps }) => ({ site, steps: steps.filter(isStop) }));
  const seat = {
    site: environment,
    steps: await revertSteps(
      request.to,
      { stopAll: restore !== undefined, isRepeated: (earlier?.begun.size ?? 0) > 0 },
      restore ?? NOTHING,
      environment,
    ),
  };
  const parallel = settings.target.kind === 'ssh' ? settings.target.max_parallel : 1;
  const phases = [stopping, [seat], ...inBatches(plans, parallel)];
  const walked = await walkSites(run, phases, { lease, platform, onFailure: 'finish' });
  for (const site of sitesOf(environment)) {
    if (reachable.has(site) && !walked.failedSites.includes(site)) await settle(request, site);
  }
  const lost = others
    .filter((site) => !reachable.has(site) && !strangers.has(site))
    .map(({ machine }) => `${machine.name} cannot be reached`);
  const missing = [...lost, ...environment.unreachable.map(errorMessage)];
  if (walked.completed) {
    await restore
      ?.cleanUp()
      .catch((error: unknown) => platform.log.warn(`the unpacked backup could not be removed: ${errorMessage(error)}`));
  }
  const writes = restore?.writes() ?? [];
  return missing.length === 0 ? { walk: walked, writes } : { walk: withUnreachable(walked, missing), writes };
}

const NOTHING = { before: [], between: [], after: [] } as const;

function isStop({ name }: Step): boolean {
  return name.startsWith('stop:') || name.startsWith('retire:');
}

/** Machines that were added since the release was made: they have no files of it, and the next release brings them in. */
async function withoutRelease(to: string | undefined, { others, platform }: Environment): Promise<Set<Site>> {
  const found = new Set<Site>();
  for (const site of to === undefined ? [] : others) {
    const knows = await site.book.find(to ?? '').catch(() => 'unreachable');
    if (knows !== undefined) continue;
    found.add(site);
    platform.log.warn(`${site.machine.name} has no files of ${to} and is left as it is`);
  }
  return found;
}

/** Begins the run in the journal of every machine that can be reached: the seat must be. */
async function beginEverywhere(
  request: RevertRequest,
  strangers: ReadonlySet<Site>,
  environment: Environment,
): Promise<Set<Site>> {
  const reachable = new Set<Site>([environment]);
  await begin(request, environment);
  for (const site of environment.others.filter((each) => !strangers.has(each))) {
    try {
      await begin(request, site);
      reachable.add(site);
    } catch (error) {
      environment.platform.log.warn(`${site.machine.name} cannot be brought back now: ${errorMessage(error)}`);
    }
  }
  return reachable;
}

async function begin(request: RevertRequest, { journal }: Site): Promise<void> {
  if ((await journal.read(request.run)) !== undefined) return;
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

async function settle({ run, from, failure }: RevertRequest, { book, journal }: Site): Promise<void> {
  if (from !== undefined && failure !== undefined) await book.mark(from, 'bad', failure);
  for (const open of await journal.open()) {
    if (open.header.run !== run) await journal.write(open.header.run, { line: 'end', outcome: 'undone' });
  }
  await journal.write(run, { line: 'end', outcome: 'finished' });
}

function withUnreachable(walked: Walk, missing: readonly string[]): Walk {
  const failed: WalkedStep = {
    name: 'reach-all',
    summary: 'bring every machine back',
    result: {
      outcome: 'failed',
      reason: 'host-unreachable',
      message: `not every machine was brought back: ${missing.join('; ')}`,
      remedy: 'When it can be reached again: holdfast recover',
    },
    durationMs: 0,
  };
  return { completed: false, steps: [...walked.steps, failed], failed: walked.failed ?? failed };
}

async function wasBegun(run: string, { journal }: Site): Promise<boolean> {
  return ((await journal.read(run))?.begun.size ?? 0) > 0;
}

/**
 * The steps of a rollback on one machine. One that is repeated asks every service for its health: a process that an earlier
 * attempt started runs, and nobody has seen yet that it works.
 */
async function revertSteps(
  to: string | undefined,
  { stopAll, isRepeated }: { readonly stopAll: boolean; readonly isRepeated: boolean },
  around: { readonly before: readonly Step[]; readonly between: readonly Step[]; readonly after: readonly Step[] },
  { instances, tools, book }: Site,
): Promise<Step[]> {
  const services = to === undefined ? [] : await startablesOf(to, { book });
  const changed = new Set<string>();
  for (const { service, release, settings } of services) {
    const running = (await instances.find(service)).filter(({ alive }) => alive);
    const asItShould =
      running.length === settings.run.instances && running.every((instance) => instance.release === release);
    if (stopAll || isRepeated || !asItShould) changed.add(service);
  }
  const retired = (await instances.services()).filter((name) => !services.some(({ service }) => service === name));
  const activation = { release: to, services, changed, retired, between: around.between, stopAll };
  return [...around.before, ...activationSteps(activation, tools), ...around.after];
}

/**
 * Brings the machines behind the seat to what is live on it, where a run on them never ended or something else is live:
 * one that could not be reached when all others were brought back. Answers the names of those that were aligned.
 */
export async function alignOthers(
  actor: string,
  lease: Lease,
  environment: Environment,
): Promise<{ aligned: string[]; walk?: Walk }> {
  const { book, platform, others } = environment;
  const live = await book.live();
  const aligned: string[] = [];
  for (const site of others) {
    if (await isAligned(live?.record.release, site)) continue;
    const run = timedId('rb', platform.clock.now(), platform.random.hex(2));
    const request = { run, from: undefined, to: live?.record.release, backup: undefined, actor, failure: undefined };
    await begin(request, site);
    const steps = await revertSteps(request.to, { stopAll: false, isRepeated: true }, NOTHING, site);
    const walked = await walkSites(run, [[{ site, steps }]], { lease, platform, onFailure: 'stop' });
    if (!walked.completed) return { aligned, walk: walked };
    await settle(request, site);
    aligned.push(site.machine.name);
  }
  return { aligned };
}

/** A machine that was added since does not know the release; the next deploy brings it one. */
async function isAligned(live: string | undefined, { book, journal }: Site): Promise<boolean> {
  if ((await journal.open()).length > 0) return false;
  if ((await book.live())?.record.release === live) return true;
  return live !== undefined && (await book.find(live)) === undefined;
}

/**
 * What the journals of the deploys that are undone, and the state itself, say about whether the data changed its shape.
 * `fingerprints` are those from before the first of them.
 */
export async function wasMigrated(
  deploys: readonly (JournalRun | undefined)[],
  fingerprints: Readonly<Record<string, string | null>>,
  environment: Environment,
): Promise<{ readonly migrated: boolean; readonly why: string }> {
  const command = deploys.flatMap((deploy) => [...(deploy?.begun ?? [])]).find((step) => step.startsWith('migrate:'));
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
