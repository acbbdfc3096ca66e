import { decideAccess } from '../authorize/authorize.ts';
import { assessCompliance, type ComplianceEvidence } from '../compliance/assess.ts';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import { countOutcomes } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import { answer } from '../environment/answer.ts';
import { latestBaseline } from '../environment/baselines.ts';
import type { Environment } from '../environment/environment.ts';
import { compareArtifacts, listOwnModes, observeAll } from '../environment/observe.ts';
import type { Platform } from '../platform/platform.ts';
import { readProof } from '../sources/catalog.ts';
import type { LiveRelease } from '../targets/target.ts';
import { validate } from '../validate/validate.ts';

/**
 * Holds the live release to the configured frameworks, as a release does after its validation, by what can be observed
 * of it now: its checks are asked again, its files compared again, its backup and proof looked up. Writes nothing.
 */
export async function checkCompliance(settings: Configuration, platform: Platform): Promise<Report> {
  return answer('compliance check', settings, platform, { create: false }, async (environment) => {
    if (settings.compliance.frameworks.length === 0) return assessCompliance({ ...NOTHING_SEEN }, settings.compliance);
    const live = await environment.book.live();
    if (live === undefined) {
      throw new UserError('nothing-live', `nothing is live in ${settings.environment}`, { hint: 'Release first.' });
    }
    const assessed = assessCompliance(await gatherEvidence(live, environment), settings.compliance);
    return { ...assessed, summary: `${live.record.version}: ${assessed.summary}` };
  });
}

const NOTHING_SEEN: ComplianceEvidence = {
  phase: 'after',
  hasState: false,
  authorisation: { decision: 'proceed', reason: 'not-asked' },
};

async function gatherEvidence({ record, capsule }: LiveRelease, environment: Environment): Promise<ComplianceEvidence> {
  const { settings, sources, store, platform } = environment;
  const { backup } = capsule;
  const proof = backup === undefined ? undefined : await readProof(backup, store);
  const validated = await validate(await observeAll(environment), await latestBaseline(environment), platform.log);
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
    validation: countOutcomes(validated.findings),
    ...(backup === undefined ? {} : { backup: { id: backup } }),
    ...(proof === undefined ? {} : { proof }),
  };
}
