import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import { composeReport, type Report, type ReportParts, type Subject } from '../core/report.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import type { Lease } from '../journal/lease.ts';
import type { LeaseRecord } from '../journal/lease-record.ts';
import type { Platform } from '../platform/platform.ts';
import { authorizeStage } from './judges.ts';
import { openRun, type ReleaseRun } from './run.ts';

/** What becomes of the lease when a step ends. */
export const LeaseAfter = z.enum(['free', 'keep']);
export type LeaseAfter = z.infer<typeof LeaseAfter>;

/** The input of a step of a job that releases. */
export const leaseInput = LeaseAfter.prefault('free').meta({
  description:
    'What becomes of the lease afterwards. keep: it stays with this run of the workflow for its next steps, the last of which must be `rollback` with automatic: true',
});

export interface StepUnderLease {
  readonly action: string;
  readonly run: ReleaseRun;
  readonly subject: Subject;
  /**
   * begin: asks whether who runs it may release now, and takes the lease. take-up: goes on with the lease that an earlier
   * step of this call of the workflow kept. It was let in then: a freeze that begins meanwhile stops no release half-way.
   */
  readonly way: 'begin' | 'take-up';
  /** keep: it stays for the next step. settle: it is given back when the step proceeds, and stays for the last step else. */
  readonly lease: LeaseAfter | 'settle';
  readonly work: (lease: Lease, environment: Environment) => Promise<ReportParts>;
}

/** What a step says that could not settle first what an earlier run left. */
export const NOT_UNDONE: ReportParts = {
  decision: 'stop',
  reason: 'unsafe',
  summary: 'a killed run could not be undone: run "holdfast recover"',
};

/** A release of the same queue that died leaves its lease for as long as its job `recover` takes to come and go. */
const WAIT_FOR_LEASE_MS = 15 * 60_000;
const POLL_MS = 5000;

/** A run of one step, which releases nothing by itself. */
export function openStep(settings: Configuration, platform: Platform): ReleaseRun {
  return openRun({ version: '', service: undefined, withoutProof: undefined }, settings, platform);
}

/** One step of a release alone. Rejects with UserError `lease-lost` when it should go on and somebody else took over. */
export async function underStepLease(step: StepUnderLease): Promise<Report> {
  const { action, run, subject, way, lease: after, work } = step;
  const { settings, platform, startedAt } = run;
  if (after === 'keep' && platform.workflow === undefined) {
    throw new UserError('no-workflow', 'lease: keep needs the run of a workflow, whose next step takes it up', {
      hint: 'Leave the input out, and give the step the input github-token.',
    });
  }
  const close = (parts: ReportParts) =>
    composeReport(action, subject, { startedAt, finishedAt: platform.clock.now() }, parts);
  if (way === 'begin') {
    const { decision, reason, summary, findings = [] } = await authorizeStage(run);
    if (decision === 'stop') return close({ decision, reason, summary, findings });
  }
  const environment = await openEnvironment(settings, platform, { create: true });
  const lease = way === 'begin' ? await begin(run, after, environment) : await takeUp(run, environment);
  let isKept = after !== 'free';
  try {
    const parts = await work(lease, environment);
    if (after === 'settle' && parts.decision !== 'stop') isKept = false;
    return close(parts);
  } finally {
    if (isKept) await lease.keep();
    else await lease.release();
  }
}

/** Whether an earlier step of this call of the workflow kept the lease. */
export async function hasKept({ leases }: Pick<Environment, 'leases'>): Promise<boolean> {
  const current = await leases.current();
  return current !== undefined && leases.isOwn(current);
}

async function takeUp({ actor, settings }: ReleaseRun, environment: Environment): Promise<Lease> {
  if (await hasKept(environment)) {
    return environment.leases.acquire({ environment: settings.environment, purpose: 'release', actor });
  }
  throw new UserError('lease-lost', `this run no longer has the lease of ${settings.environment}: somebody took over`, {
    hint: 'Look who works there with: holdfast lock status. In a workflow of your own, an earlier step needs lease: keep.',
  });
}

/** The first step of a job waits for a run of the queue that is over but for its recovery: nobody is dropped for it. */
async function begin(
  { actor, settings, platform }: ReleaseRun,
  after: string,
  { leases }: Environment,
): Promise<Lease> {
  const until = platform.clock.now() + WAIT_FOR_LEASE_MS;
  for (;;) {
    try {
      return await leases.acquire({ environment: settings.environment, purpose: 'release', actor });
    } catch (error) {
      const isLocked = error instanceof UserError && error.code === 'environment-locked';
      if (!isLocked || after !== 'keep' || platform.clock.now() >= until) throw error;
      const owner = await leases.current();
      if (owner !== undefined && !isOfTheQueue(owner, platform)) throw error;
      platform.log.info(`${error.message}: waiting for its end`);
      await platform.clock.sleep(POLL_MS, platform.signal);
    }
  }
}

function isOfTheQueue({ owner, purpose }: LeaseRecord, { workflow }: Platform): boolean {
  return owner.run?.repository === workflow?.run.repository && (purpose === 'release' || purpose === 'recover');
}
