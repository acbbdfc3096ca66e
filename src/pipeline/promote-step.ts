import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import type { Handover } from '../core/handover.ts';
import type { Report, ReportParts } from '../core/report.ts';
import { recordOutcome } from '../environment/deployments.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { markGood } from '../environment/good.ts';
import { requireLive } from '../environment/releases.ts';
import { endRun } from '../environment/settle.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { VALIDATE_REASONS, type Validated } from '../validate/validate.ts';
import { promoteStage, validateStage } from './judges.ts';
import { openRun, type ReleaseRun } from './run.ts';
import { hasKept, underStepLease } from './step.ts';
import { ValidatedRecord } from './validate-step.ts';

export interface PromoteRequest {
  /** What the step `validate` of the same job handed on: then nobody looks once more. */
  readonly validated: Handover | undefined;
}

/**
 * The step `promote` alone: looks once more unless the step before has just looked, and marks the live release good only
 * when all checks say so. In a chain of steps it frees the lease when it is done, and leaves it for the last step when not;
 * where a check could not look the release stays live, and that is the end of it.
 */
export async function promoteAlone(
  request: PromoteRequest,
  settings: Configuration,
  platform: Platform,
): Promise<Report> {
  const opened = await openEnvironment(settings, platform, { create: false });
  const live = await requireLive(opened, 'Deploy first.');
  const { release, version } = live.record;
  const run: ReleaseRun = {
    ...openRun({ version, service: undefined, withoutProof: undefined }, settings, platform),
    id: release,
  };
  const subject = subjectOf(settings, live.record);
  const isChained = request.validated !== undefined || (await hasKept(opened));
  const work = async (lease: Lease, environment: Environment): Promise<ReportParts> => {
    const record = { live: { release, version } };
    // Without the lease somebody may have released or rolled back since.
    const now = (await environment.book.live())?.record;
    if (now?.release !== release) throw notTheSame(version, now?.version, settings);
    const said = verdictOf(request, release);
    if (now.state === 'good') return { reason: 'good-already', summary: `${version} is good already`, record };
    const validated = said ?? (await validateStage(run, environment));
    const { findings } = validated;
    if (validated.reason === 'live-not-good' && isChained) {
      await endRun(release, 'finished', environment);
      await recordOutcome(environment);
      const summary = `${version} is live but not good: ${validated.summary}`;
      return { reason: 'live-not-good', summary, findings, record };
    }
    if (validated.reason !== 'validated') {
      const summary = `${version} was not promoted: ${validated.summary}`;
      return { decision: 'stop', reason: validated.reason, summary, findings };
    }
    const promoted = await promoteStage(run, environment, async () => {
      await lease.assertHeld();
      return (await markGood(release, environment)).removed;
    });
    await recordOutcome(environment);
    const { summary, findings: more = [] } = promoted;
    return { reason: 'promoted', summary, findings: [...findings, ...more], record };
  };
  return isChained
    ? underStepLease({ action: 'promote', run, subject, way: 'take-up', lease: 'settle', work })
    : underStepLease({ action: 'promote', run, subject, way: 'begin', lease: 'free', work });
}

function notTheSame(version: string, now: string | undefined, { environment }: Configuration): UserError {
  return new UserError('not-what-was-validated', `${now ?? 'nothing'} is live in ${environment} now, not ${version}`, {
    hint: 'Somebody released or rolled back meanwhile: look at "holdfast status".',
  });
}

/** What the step before said of this release; undefined when there was none, or when it was about another one. */
function verdictOf(
  { validated }: PromoteRequest,
  release: string,
): Pick<Validated, 'reason' | 'summary' | 'findings'> | undefined {
  if (validated === undefined) return undefined;
  const about = ValidatedRecord.safeParse(validated.record);
  const reason = VALIDATE_REASONS.find((known) => known === validated.reason);
  if (!about.success || reason === undefined) {
    throw new UserError('inputs', 'validated: this is not what the step `validate` handed on');
  }
  if (about.data.live.release !== release) {
    throw new UserError('not-what-was-validated', `${about.data.live.release} was validated, and ${release} is live`, {
      hint: 'Somebody released or rolled back meanwhile: look at "holdfast status".',
    });
  }
  return { reason, summary: validated.summary, findings: [] };
}
