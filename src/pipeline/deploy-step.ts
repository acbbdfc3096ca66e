import { join, relative } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Handover } from '../core/handover.ts';
import type { RecordedArtifact } from '../core/recorded-artifact.ts';
import type { Report, ReportParts } from '../core/report.ts';
import type { StepFailed } from '../core/step.ts';
import { artifactPath, buildArtifacts, chosenServices, findArtifacts } from '../deploy/build.ts';
import { deploy } from '../deploy/deploy.ts';
import { requireWorkflow } from '../deploy/recorded-artifact.ts';
import { takeArtifact } from '../deploy/take-artifact.ts';
import { findBaseline } from '../environment/baselines.ts';
import { recordBegun } from '../environment/deployments.ts';
import type { Environment } from '../environment/environment.ts';
import { endRun, markRelease } from '../environment/settle.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';
import { listBackups } from '../sources/catalog.ts';
import type { LiveRelease } from '../targets/target.ts';
import { judgeBaseline } from '../validate/validate.ts';
import { SafetyNetRecord } from './backup-step.ts';
import { openRun, type ReleaseRequest } from './run.ts';
import { type LeaseAfter, NOT_UNDONE, underStepLease } from './step.ts';

export interface DeployRequest extends ReleaseRequest {
  /** A backup by id; the newest proven one when absent. */
  readonly backup: string | undefined;
  /** What the step `backup` of the same job handed on. */
  readonly net?: Handover | undefined;
  /** `free` when absent. */
  readonly lease?: LeaseAfter;
  /** What the action `build` recorded: it is taken, and nothing is built here. */
  readonly artifact?: RecordedArtifact | undefined;
}

/** How old a backup may be that a deploy takes without being told which: what was written since is at risk. */
const FRESH_MS = 60 * 60 * 1000;

/**
 * The step `deploy` alone. The release is neither good nor bad afterwards: `promote` or `rollback` decides, and a release
 * or a recovery that comes first undoes it.
 */
export async function deployAlone(asked: DeployRequest, settings: Configuration, platform: Platform): Promise<Report> {
  const request = withNet(asked);
  if (request.artifact !== undefined) requireWorkflow(platform);
  const run = openRun(request, settings, platform);
  const subject = subjectOf(settings, { release: run.id, version: request.version });
  const work = async (lease: Lease, environment: Environment): Promise<ReportParts> => {
    const recovered = await recover(lease, environment);
    if (recovered.failed !== undefined) return NOT_UNDONE;
    const found = await findBaseline(environment);
    const { decision, reason, summary, findings } = judgeBaseline(found, settings.validate.required);
    if (decision === 'stop') return { decision, reason, summary, findings };
    const live = await environment.book.live();
    const carried = (service: string) => live?.capsule.services[service] !== undefined;
    const artifacts = await artifactsOf(request, carried, environment);
    const net = await chooseBackup(request, live, environment);
    await recordBegun(run.id, request.version, environment);
    const { walk, touched } = await deploy(
      {
        release: run.id,
        version: request.version,
        service: request.service,
        artifacts,
        fingerprints: net.fingerprints,
        backup: net.backup,
        baseline: found.baseline?.id,
        actor: run.actor,
      },
      lease,
      environment,
    );
    const failed = walk.failed?.result;
    const steps = walk.steps.map(({ name, durationMs, result }) => ({ name, durationMs, outcome: result.outcome }));
    if (failed?.outcome !== 'failed') {
      const summary = `${request.version} is live; next: holdfast validate, then holdfast promote or holdfast rollback`;
      return { reason: 'deployed', summary, record: { live: subject, walk: steps, backup: net.backup ?? null } };
    }
    if (!touched) {
      await markRelease(run.id, 'bad', failed.message, environment);
      await endRun(run.id, 'undone', environment);
    }
    const finding: Finding = {
      check: walk.failed?.name ?? 'deploy',
      layer: 'release',
      outcome: 'fail',
      severity: 'high',
      message: failed.message,
      remedy: remedyOf(failed, touched, platform),
    };
    return {
      decision: 'stop',
      reason: failed.reason,
      summary: failed.message,
      findings: [finding],
      record: { walk: steps },
    };
  };
  // What the step before handed on is believed, but for the word of somebody who may not give it.
  const isAllowed = request.withoutProof === undefined;
  const way = request.net === undefined || !isAllowed ? 'begin' : 'take-up';
  return underStepLease({ action: 'deploy', run, subject, way, lease: request.lease ?? 'free', work });
}

/** Built here, or taken from what an earlier job of this run built. */
async function artifactsOf(
  { service, artifact }: DeployRequest,
  carried: (service: string) => boolean,
  { settings, platform, layout }: Environment,
): Promise<Map<string, string>> {
  const choice = { only: service, carried };
  if (artifact === undefined) return await buildArtifacts(settings, choice, platform);
  const { directory: folder, file, services, target } = settings;
  const place = (name: string) => relative(folder, artifactPath(name, settings));
  const built = chosenServices(settings, choice).filter((name) => services[name]?.build !== undefined);
  const destination = {
    folder,
    guarded: [join(folder, file), ...(target.kind === 'directory' ? [layout.root] : [])],
    // An artifact that is the whole folder has nothing to replace.
    whole: Object.keys(services)
      .map(place)
      .filter((path) => path !== ''),
    required: built.map(place).filter((path) => path !== ''),
  };
  await takeArtifact(artifact, destination, platform);
  return await findArtifacts(settings, choice, platform);
}

/** In a job the last step goes back by itself. */
function remedyOf({ remedy }: StepFailed, touched: boolean, { workflow }: Platform): string {
  if (!touched) return remedy ?? 'Nothing was changed; mend it and deploy again.';
  const back = workflow === undefined ? 'Go back with: holdfast rollback' : 'Mend it and release again';
  return remedy === undefined ? back : `${remedy.replace(/\.$/, '')}. ${back}`;
}

/** What the step before decided about the backup holds; what is said to this step by hand comes first. */
function withNet(request: DeployRequest): DeployRequest {
  if (request.net === undefined) return request;
  const net = SafetyNetRecord.safeParse(request.net.record['net']);
  if (!net.success) throw new UserError('inputs', 'net: this is not what the step `backup` handed on');
  const { backup = net.data.backup ?? undefined, withoutProof = net.data.withoutProof } = request;
  return { ...request, backup, withoutProof };
}

/** The backup that this deploy can fall back on. Throws UserError when there is none and nobody said why not. */
async function chooseBackup(
  { backup, withoutProof }: DeployRequest,
  live: LiveRelease | undefined,
  { sources, store, platform }: Environment,
): Promise<{ readonly backup: string | undefined; readonly fingerprints: Record<string, string | null> }> {
  if (sources.length === 0) return { backup: undefined, fingerprints: {} };
  // A copy of what an earlier release left would bring back a structure that the live one does not know.
  const { backups } = await listBackups(store);
  const usable = backups.filter(({ record }) => record.release === live?.record.release);
  const newest = usable.at(-1);
  const isFresh = newest !== undefined && platform.clock.now() - Date.parse(newest.record.createdAt) < FRESH_MS;
  const chosen =
    backup === undefined ? (isFresh ? newest : undefined) : usable.find(({ record }) => record.id === backup);
  if (chosen?.proof === undefined && withoutProof === undefined) {
    const what =
      chosen === undefined
        ? `there is no backup ${backup ?? 'of the last hour'} of what ${live?.record.version ?? 'an empty environment'} left`
        : `the backup ${chosen.record.id} is not proven`;
    throw new UserError('no-proof', `${what}, so a deploy could not be undone with its data`, {
      hint: 'Run "holdfast backup create" first, or say why not with --without-proof REASON.',
    });
  }
  const fingerprints: Record<string, string | null> = {};
  for (const { name, fingerprint } of chosen?.record.sources ?? []) fingerprints[name] = fingerprint;
  return { backup: chosen?.record.id, fingerprints };
}
