import { join, relative } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { composeReport, type Report, type ReportParts, type Subject } from '../core/report.ts';
import { artifactPath, buildArtifacts, chosenServices, findArtifacts } from '../deploy/build.ts';
import { deploy } from '../deploy/deploy.ts';
import { type RecordedArtifact, requireWorkflow } from '../deploy/recorded-artifact.ts';
import { takeArtifact } from '../deploy/take-artifact.ts';
import { latestBaseline, saveBaseline } from '../environment/baselines.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { markGood } from '../environment/good.ts';
import { endRun, markRelease } from '../environment/settle.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';
import { listBackups } from '../sources/catalog.ts';
import type { LiveRelease } from '../targets/target.ts';
import { authorizeStage, promoteStage, validateStage } from './judges.ts';
import { openRun, type ReleaseRequest, type ReleaseRun } from './run.ts';

export interface DeployRequest extends ReleaseRequest {
  /** A backup by id; the newest proven one when absent. */
  readonly backup: string | undefined;
  /** What the action `build` recorded: it is taken, and nothing is built here. */
  readonly artifact?: RecordedArtifact | undefined;
}

/** How old a backup may be that a deploy takes without being told which: what was written since is at risk. */
const FRESH_MS = 60 * 60 * 1000;

/**
 * The step `deploy` alone. The release is neither good nor bad afterwards: `promote` or `rollback` decides, and a release
 * or a recovery that comes first undoes it.
 */
export async function deployAlone(
  request: DeployRequest,
  settings: Configuration,
  platform: Platform,
): Promise<Report> {
  if (request.artifact !== undefined) requireWorkflow(platform);
  const run = openRun(request, settings, platform);
  const subject = subjectOf(settings, { release: run.id, version: request.version });
  return underLease('deploy', run, subject, async (lease, environment) => {
    const recovered = await recover(lease, environment);
    if (recovered.failed !== undefined) return unsafe('a killed run could not be undone: run "holdfast recover"');
    const live = await environment.book.live();
    const carried = (service: string) => live?.capsule.services[service] !== undefined;
    const artifacts = await artifactsOf(request, carried, environment);
    const net = await chooseBackup(request, live, environment);
    const baseline = await latestBaseline(environment);
    const { walk, touched } = await deploy(
      {
        release: run.id,
        version: request.version,
        service: request.service,
        artifacts,
        fingerprints: net.fingerprints,
        backup: net.backup,
        baseline: baseline?.id,
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
      remedy: touched
        ? 'Go back with: holdfast rollback'
        : (failed.remedy ?? 'Nothing was changed; mend it and deploy again.'),
    };
    return {
      decision: 'stop',
      reason: failed.reason,
      summary: failed.message,
      findings: [finding],
      record: { walk: steps },
    };
  });
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

/** The step `promote` alone: looks once more, and marks the live release good only when all checks say so. */
export async function promoteAlone(settings: Configuration, platform: Platform): Promise<Report> {
  const opened = await openEnvironment(settings, platform, { create: false });
  const live = await opened.book.live();
  if (live === undefined)
    throw new UserError('nothing-live', `nothing is live in ${settings.environment}`, { hint: 'Deploy first.' });
  const { release, version, state } = live.record;
  const run: ReleaseRun = {
    ...openRun({ version, service: undefined, withoutProof: undefined }, settings, platform),
    id: release,
  };
  const subject = subjectOf(settings, live.record);
  return underLease('promote', run, subject, async (lease, environment) => {
    if (state === 'good') return { reason: 'good-already', summary: `${version} is good already` };
    const validated = await validateStage(run, environment);
    const findings = validated.findings;
    if (validated.reason !== 'validated') {
      return {
        decision: 'stop',
        reason: validated.reason,
        summary: `${version} was not promoted: ${validated.summary}`,
        findings,
      };
    }
    const promoted = await promoteStage(run, environment, async () => {
      await lease.assertHeld();
      return (await markGood(release, environment)).removed;
    });
    if (promoted.baseline !== undefined) await saveBaseline(promoted.baseline, environment);
    return { reason: 'promoted', summary: promoted.summary, findings };
  });
}

async function underLease(
  action: string,
  run: ReleaseRun,
  subject: Subject,
  work: (lease: Lease, environment: Environment) => Promise<ReportParts>,
): Promise<Report> {
  const { settings, platform, actor, startedAt } = run;
  const access = await authorizeStage(run);
  if (access.decision === 'stop') {
    const { decision, reason, summary, findings = [] } = access;
    return composeReport(
      action,
      subject,
      { startedAt, finishedAt: platform.clock.now() },
      { decision, reason, summary, findings },
    );
  }
  const environment = await openEnvironment(settings, platform, { create: true });
  const lease = await environment.leases.acquire({ environment: settings.environment, purpose: 'release', actor });
  try {
    const parts = await work(lease, environment);
    return composeReport(action, subject, { startedAt, finishedAt: platform.clock.now() }, parts);
  } finally {
    await lease.release();
  }
}

function unsafe(summary: string): ReportParts {
  return { decision: 'stop', reason: 'unsafe', summary };
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
