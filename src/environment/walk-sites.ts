import { errorCode, errorMessage, OutsideError } from '../core/errors.ts';
import type { Step } from '../core/step.ts';
import type { Lease } from '../journal/lease.ts';
import { type Walk, type WalkedStep, walk } from '../journal/walk.ts';
import type { Platform } from '../platform/platform.ts';
import type { Site } from './site.ts';

/** Steps of one run on one machine. */
export interface SiteSteps {
  readonly site: Site;
  readonly steps: readonly Step[];
}

export interface WalkingSites {
  readonly lease: Lease;
  readonly platform: Pick<Platform, 'clock' | 'log' | 'signal'>;
  /** `stop`: the first failure ends it. `finish`: the other machines are brought as far as they can be. */
  readonly onFailure: 'stop' | 'finish';
}

export interface SitesWalk extends Walk {
  /** Machines on which a step did not succeed. */
  readonly failedSites: readonly Site[];
}

/**
 * Walks phase after phase; within one, its machines at once. Each machine keeps its own journal of the run. A machine
 * that cannot be reached is a failed step like any other.
 */
export async function walkSites(
  run: string,
  phases: readonly (readonly SiteSteps[])[],
  { lease, platform, onFailure }: WalkingSites,
): Promise<SitesWalk> {
  const { clock, log, signal } = platform;
  const steps: WalkedStep[] = [];
  const failures: { site: Site; failed: WalkedStep }[] = [];
  for (const phase of phases) {
    const due = phase.filter(({ site }) => !failures.some((failure) => failure.site === site));
    await Promise.all(
      due.map(async ({ site, steps: own }) => {
        const walking = { journal: site.journal, lease, clock, log, signal };
        const walked = await walk(run, own, walking).catch((error: unknown) => broken(site, error));
        steps.push(...walked.steps);
        if (walked.failed !== undefined) failures.push({ site, failed: walked.failed });
      }),
    );
    if (failures.length > 0 && onFailure === 'stop') break;
  }
  const [first] = failures;
  const failedSites = failures.map(({ site }) => site);
  return {
    completed: first === undefined,
    steps,
    failedSites,
    ...(first === undefined ? {} : { failed: first.failed }),
  };
}

/** The journal itself could not be written: the machine is out of reach, or its disk is full. */
function broken({ machine }: Site, error: unknown): Walk {
  if (!(error instanceof OutsideError) && errorCode(error) === undefined) throw error;
  const reason = (errorCode(error) ?? 'journal-not-written').toLowerCase().replaceAll('_', '-');
  const failed: WalkedStep = {
    name: `journal:${machine.name}`,
    summary: `write the journal on ${machine.name}`,
    result: { outcome: 'failed', reason, message: `${machine.name}: ${errorMessage(error)}` },
    durationMs: 0,
  };
  return { completed: false, steps: [failed], failed };
}

/** Cuts a list of machines into phases of at most `size`. */
export function inBatches<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = [];
  for (let start = 0; start < items.length; start += size) batches.push(items.slice(start, start + size));
  return batches;
}
