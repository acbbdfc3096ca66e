import { z } from 'zod';
import { type AccessAction, accessFinding, decideAccess } from '../authorize/authorize.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Admission } from '../core/admission.ts';
import { DeploymentPayload } from '../core/deployment-payload.ts';
import { UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Handover } from '../core/handover.ts';
import { parseJson } from '../core/json-path.ts';
import { RecordedArtifact } from '../core/recorded-artifact.ts';
import { composeReport, type Report, type ReportParts } from '../core/report.ts';
import { sealedNames } from '../core/sealed.ts';
import { artifactIn } from '../deploy/recorded-artifact.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';
import type { Workflow } from '../platform/workflow.ts';

export interface AdmitRequest {
  readonly action: Extract<AccessAction, 'release' | 'rollback' | 'hold'>;
  readonly withoutProof: string | undefined;
  /** What the action `build` handed on; undefined where it did not run. */
  readonly built: Handover | undefined;
  /** The name of an artifact of this run that is deployed in place of a build. */
  readonly artifact: string | undefined;
  /** Whether the job that would recover from this run is given secrets. */
  readonly hasSecretsForRecovery: boolean;
}

export const ADMIT_REASONS = [
  'allowed',
  'no-role',
  'frozen',
  'no-policy',
  'no-secrets-for-recovery',
  'environment-not-passed',
  'artifact-missing',
  'artifact-changed',
] as const;

type Slice = Pick<Platform, 'clock' | 'identity' | 'random' | 'workflow'>;

/**
 * Who asks, and may they: now, and once more in the job that changes something. The first time it also fixes what later
 * jobs are held to: the artifact by its digest, and the target that the last successful deployment went to.
 */
export async function admit(request: AdmitRequest, settings: Configuration, platform: Slice): Promise<Report> {
  const startedAt = platform.clock.now();
  const parts = await decide(request, settings, platform, startedAt);
  return composeReport('authorize', subjectOf(settings), { startedAt, finishedAt: platform.clock.now() }, parts);
}

async function decide(
  request: AdmitRequest,
  settings: Configuration,
  platform: Slice,
  now: number,
): Promise<ReportParts> {
  const { actor } = platform.identity;
  const ask = (action: AccessAction) => decideAccess({ actor, action, access: settings.access, now });
  const first = ask(request.action);
  const override = request.withoutProof === undefined ? undefined : ask('override');
  const findings = [first, ...(override === undefined ? [] : [override])].map(accessFinding);
  const access = first.decision === 'stop' ? first : override?.decision === 'stop' ? override : first;
  const who = { actor, ...(access.role === undefined ? {} : { role: access.role }) };
  if (access.decision === 'stop') {
    return { decision: 'stop', reason: access.reason, summary: access.message, findings, record: who };
  }
  const { workflow } = platform;
  const unapproved = workflow?.admission === undefined ? undefined : withoutEnvironment(request, settings, platform);
  if (unapproved !== undefined) {
    const { check: reason, message: summary } = unapproved;
    return { decision: 'stop', reason, summary, findings: [...findings, unapproved], record: who };
  }
  if (workflow === undefined || workflow.admission !== undefined) {
    return { reason: access.reason, summary: access.message, findings, record: who };
  }
  const artifact = await findArtifact(request, workflow);
  const stopped =
    withoutSecrets(request, settings) ?? (artifact !== null && 'check' in artifact ? artifact : undefined);
  if (stopped !== undefined) {
    const { check: reason, message: summary } = stopped;
    return { decision: 'stop', reason, summary, findings: [...findings, stopped], record: who };
  }
  const admission: Admission = {
    call: platform.random.hex(8),
    targets: await expectedTargets(settings, workflow),
    artifact: RecordedArtifact.nullable().parse(artifact),
  };
  return { reason: access.reason, summary: access.message, findings, record: { ...who, ...admission } };
}

/** In the job that releases: its token says whether it is one of the environment, whose rules it then has passed. */
function withoutEnvironment(
  { action }: AdmitRequest,
  { environment }: Configuration,
  { identity }: Slice,
): Finding | undefined {
  if (action !== 'release' || identity.environmentPassed === environment) return undefined;
  const is = identity.environmentPassed === undefined ? 'has none' : `is of ${identity.environmentPassed}`;
  return {
    check: 'environment-not-passed',
    layer: 'release',
    outcome: 'fail',
    severity: 'high',
    message: `this job releases to ${environment} and ${is}: the rules of ${environment} on GitHub were not asked`,
    remedy: `Call release.yml with "environment: ${environment}", as it is written in holdfast.yml.`,
  };
}

/** A way back that could not read its secrets would be found out when it is needed. */
function withoutSecrets({ hasSecretsForRecovery }: AdmitRequest, settings: Configuration): Finding | undefined {
  const names = sealedNames(settings);
  if (hasSecretsForRecovery || names.length === 0) return undefined;
  return {
    check: 'no-secrets-for-recovery',
    layer: 'release',
    outcome: 'fail',
    severity: 'high',
    message: `the configuration needs ${names.join(', ')}, and the job that would recover this run is given no secrets`,
    remedy:
      'Pass HOLDFAST_SECRETS in the `secrets:` of the call, or name in `recover-environment` an environment without reviewers that has it.',
    path: 'secrets',
  };
}

/** The one artifact that may be deployed, as GitHub has it now, or what is wrong with it; null where there is none. */
async function findArtifact(
  { built, artifact: name }: AdmitRequest,
  { artifacts, run }: Workflow,
): Promise<RecordedArtifact | Finding | null> {
  const wanted = artifactIn(built);
  if (wanted === undefined && name === undefined) return null;
  const shown = wanted?.name ?? name ?? '';
  const all = await artifacts.list(shown, run.id);
  const tell = (check: string, message: string): Finding => ({
    ...{ check, message, layer: 'release', outcome: 'fail', severity: 'critical' },
    remedy: 'Start the workflow again from its beginning.',
  });
  const found = wanted === undefined ? all[0] : all.find(({ id }) => id === wanted.id);
  if (found === undefined || found.isExpired) {
    return tell('artifact-missing', `this run keeps no artifact ${shown} that could be deployed`);
  }
  if (wanted === undefined) return { id: found.id, name: found.name, digest: found.digest, sha256: null, run: run.id };
  if (found.digest === wanted.digest && wanted.run === run.id) return wanted;
  return tell('artifact-changed', `the artifact ${shown} is not what the job build made: ${found.digest}`);
}

const Targets = z.record(z.string(), z.string());

/** The ids of the machines that the newest deployment went to which GitHub still calls a success. */
async function expectedTargets(
  { project, environment }: Configuration,
  { deployments }: Workflow,
): Promise<Readonly<Record<string, string>>> {
  for (const { id, payload } of await deployments.list(environment)) {
    const about = DeploymentPayload.safeParse(payload);
    if (!about.success || about.data.project !== project || (await deployments.states(id))[0] !== 'success') continue;
    const targets = Targets.safeParse(parseJson(about.data.targets));
    if (targets.success) return targets.data;
    throw new UserError('target-not-the-same', `the deployment ${id} does not tell which target it went to`, {
      hint: 'Holdfast did not write it like that. Look at the server, then set this deployment on GitHub to "inactive".',
    });
  }
  return {};
}
