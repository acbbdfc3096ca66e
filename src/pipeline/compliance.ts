import { decideAccess } from '../authorize/authorize.ts';
import { assessCompliance, type ComplianceEvidence } from '../compliance/assess.ts';
import type { Configuration } from '../config/configuration.ts';
import { countOutcomes } from '../core/finding.ts';
import type { Handover } from '../core/handover.ts';
import { composeReport, type Report, type ReportParts } from '../core/report.ts';
import { answer } from '../environment/answer.ts';
import { findBaseline } from '../environment/baselines.ts';
import type { Environment } from '../environment/environment.ts';
import { compareArtifacts, listOwnModes, observeAll } from '../environment/observe.ts';
import { requireLive } from '../environment/releases.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { readProof } from '../sources/catalog.ts';
import type { LiveRelease } from '../targets/target.ts';
import { validate } from '../validate/validate.ts';
import { openStep, underStepLease } from './step.ts';
import { ValidatedRecord } from './validate-step.ts';

const ACTION = 'compliance check';

/**
 * Holds the live release to the configured frameworks, as a release does after its validation, by what can be observed
 * of it now: its checks are asked again, its files compared again, its backup and proof looked up. Writes nothing.
 */
export async function checkCompliance(settings: Configuration, platform: Platform): Promise<Report> {
  return answer(ACTION, settings, platform, { create: false }, (environment) => judgeRelease(undefined, environment));
}

/**
 * The step `compliance` before a release, in a job that knows neither secrets nor the target: by who asks, and by what the
 * configuration says. `withoutProof` is why the release would go on without a proven backup.
 */
export async function checkComplianceBefore(
  withoutProof: string | undefined,
  settings: Configuration,
  platform: Pick<Platform, 'clock' | 'identity'>,
): Promise<Report> {
  const startedAt = platform.clock.now();
  const { actor } = platform.identity;
  const evidence: ComplianceEvidence = {
    phase: 'before',
    hasState: Object.keys(settings.state).length > 0,
    authorisation: decideAccess({ actor, action: 'release', access: settings.access, now: startedAt }),
    ...(withoutProof === undefined ? {} : { withoutProof }),
  };
  const assessed = assessCompliance(evidence, settings.compliance);
  return composeReport(ACTION, subjectOf(settings), { startedAt, finishedAt: platform.clock.now() }, assessed);
}

/** The step `compliance` after a release: with what the step `validate` of the same job found. Keeps the lease. */
export async function checkComplianceAfter(
  validated: Handover | undefined,
  settings: Configuration,
  platform: Platform,
): Promise<Report> {
  const run = openStep(settings, platform);
  const work = (_: Lease, environment: Environment) => judgeRelease(validated, environment);
  return underStepLease({ action: ACTION, run, subject: subjectOf(settings), way: 'take-up', lease: 'keep', work });
}

async function judgeRelease(validated: Handover | undefined, environment: Environment): Promise<ReportParts> {
  const { settings } = environment;
  if (settings.compliance.frameworks.length === 0) return assessCompliance({ ...NOTHING_SEEN }, settings.compliance);
  const live = await requireLive(environment);
  const assessed = assessCompliance(await gatherEvidence(live, validated, environment), settings.compliance);
  return { ...assessed, summary: `${live.record.version}: ${assessed.summary}` };
}

const NOTHING_SEEN: ComplianceEvidence = {
  phase: 'after',
  hasState: false,
  authorisation: { decision: 'proceed', reason: 'not-asked' },
};

async function gatherEvidence(
  { record, capsule }: LiveRelease,
  validated: Handover | undefined,
  environment: Environment,
): Promise<ComplianceEvidence> {
  const { settings, sources, store } = environment;
  const { backup } = capsule;
  const proof = backup === undefined ? undefined : await readProof(backup, store);
  const validation = countsOf(validated, record.release) ?? (await askAgain(environment));
  return {
    phase: 'after',
    hasState: sources.length > 0,
    // Whether who released it may release, by the policy as it is now; freeze windows, by the moment when it began.
    authorisation: decideAccess({
      actor: record.actor,
      action: 'release',
      access: settings.access,
      now: Date.parse(record.createdAt),
    }),
    modes: await listOwnModes(environment),
    artifacts: await compareArtifacts(record.release, environment),
    validation,
    ...(backup === undefined ? {} : { backup: { id: backup } }),
    ...(proof === undefined ? {} : { proof }),
  };
}

function countsOf(validated: Handover | undefined, release: string): ReturnType<typeof countOutcomes> | undefined {
  const found = ValidatedRecord.safeParse(validated?.record).data;
  return found?.live.release === release ? found.validation : undefined;
}

async function askAgain(environment: Environment): Promise<ReturnType<typeof countOutcomes>> {
  const { log } = environment.platform;
  const { findings } = await validate(await observeAll(environment), await findBaseline(environment), log);
  return countOutcomes(findings);
}
