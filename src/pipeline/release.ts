import { join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import { buildArtifacts } from '../deploy/build.ts';
import { type Deployed, deploy } from '../deploy/deploy.ts';
import { findBaseline } from '../environment/baselines.ts';
import { recordBegun, recordOutcome } from '../environment/deployments.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { type FellBack, fallBack } from '../environment/fall-back.ts';
import type { FoundBaseline } from '../environment/found-baseline.ts';
import { markGood } from '../environment/good.ts';
import { endRun, markRelease } from '../environment/settle.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';
import { judgeBaseline } from '../validate/validate.ts';
import { authorizeStage, backupStage, complianceStage, promoteStage, validateStage } from './judges.ts';
import { type Ending, reportRelease } from './release-report.ts';
import { openRun, type ReleaseRequest, type ReleaseRun, type SafetyNet } from './run.ts';
import type { Verdict } from './stages.ts';

/**
 * One release from the question who asks to its end, in one process: every gate, and the way back at once when one says
 * stop after something has changed. Rejects with UserError when nothing was begun because of a mistake of the user.
 */
export async function release(request: ReleaseRequest, settings: Configuration, platform: Platform): Promise<Report> {
  const run = openRun(request, settings, platform);
  const access = await authorizeStage(run);
  if (access.decision === 'stop') return reportRelease(run, { reason: 'not-started', because: access });
  const environment = await openEnvironment(settings, platform, { create: true });
  const leased = await takeLease(run, environment);
  if ('decision' in leased) return reportRelease(run, { reason: 'not-started', because: leased });
  try {
    const ending = await releaseUnder(leased, run, environment);
    await recordOutcome(environment);
    return reportRelease(run, { ...ending, page: pageOf(run, environment) });
  } finally {
    await leased.release();
  }
}

/** The page lies on the target, or, where that is another computer, beside holdfast.yml. */
function pageOf({ id, settings }: ReleaseRun, { layout }: Environment): string {
  return settings.target.kind === 'directory'
    ? layout.report(id)
    : join(settings.directory, '.holdfast', 'reports', `${id}.html`);
}

/** The lease, or why there is none: somebody's hold or work is a gate, not a mistake. */
async function takeLease({ stages, actor, settings }: ReleaseRun, { leases }: Environment): Promise<Lease | Verdict> {
  try {
    return await leases.acquire({ environment: settings.environment, purpose: 'release', actor });
  } catch (error) {
    if (!(error instanceof UserError) || !error.code.startsWith('environment-')) throw error;
    const summary = `${error.message}. ${error.hint ?? ''}`.trim();
    const finding: Finding = {
      check: error.code,
      layer: 'release',
      outcome: 'fail',
      severity: 'medium',
      message: error.message,
      ...(error.hint === undefined ? {} : { remedy: error.hint }),
    };
    return await stages.run('lease', async () => ({
      decision: 'stop',
      reason: error.code,
      summary,
      findings: [finding],
    }));
  }
}

async function releaseUnder(lease: Lease, run: ReleaseRun, environment: Environment): Promise<Ending> {
  const { stages, request, settings, platform } = run;
  const recovered = await recover(lease, environment);
  if (recovered.actions.length > 0 || recovered.failed !== undefined) {
    const failed = recovered.failed?.failed?.result;
    const recovery = await stages.run('recover', async () => ({
      decision: failed === undefined ? 'proceed' : 'stop',
      reason: failed === undefined ? 'recovered' : 'recovery-failed',
      summary: failed?.outcome === 'failed' ? failed.message : recovered.actions.join('; '),
    }));
    if (recovery.decision === 'stop') return { reason: 'unsafe', because: recovery };
  }
  const live = await environment.book.live();
  const carried = (service: string) => live?.capsule.services[service] !== undefined;
  const artifacts = await buildArtifacts(settings, { only: request.service, carried }, platform);

  const before = await complianceStage('before', run, environment);
  if (before.decision === 'stop') return { reason: 'not-started', because: before };
  const found = await findBaseline(environment);
  const sight = judgeBaseline(found, settings.validate.required);
  if (sight.decision === 'stop') {
    return { reason: 'not-started', because: await stages.run('validate', async () => sight) };
  }
  const net = await backupStage(run, environment);
  if (net.decision === 'stop') return { reason: 'not-started', because: net };

  const deployed = await deployStage(run, environment, lease, net, artifacts, found.baseline?.id);
  if (deployed.decision === 'stop' && !deployed.result.touched) {
    await markRelease(run.id, 'bad', deployed.summary, environment);
    await endRun(run.id, 'undone', environment);
    return { reason: 'not-started', because: deployed, net };
  }
  const verdict = deployed.decision === 'stop' ? deployed : await judgeLive(run, environment, net, found);
  if (verdict.decision === 'stop') return await goBack(run, environment, lease, net, verdict);

  if (verdict.reason === 'live-not-good') {
    await endRun(run.id, 'finished', environment);
    return { reason: 'live-not-good', because: verdict, net };
  }
  const promoted = await promoteStage(run, environment, async () => {
    await lease.assertHeld();
    const { removed } = await markGood(run.id, environment);
    return removed;
  });
  return { reason: 'released', because: promoted, net };
}

async function deployStage(
  run: ReleaseRun,
  environment: Environment,
  lease: Lease,
  net: SafetyNet,
  artifacts: ReadonlyMap<string, string>,
  baseline: string | undefined,
): Promise<Verdict & { readonly result: Deployed }> {
  const { id, request, actor, stages } = run;
  return stages.run('deploy', async () => {
    await recordBegun(id, request.version, environment);
    const result = await deploy(
      {
        release: id,
        version: request.version,
        service: request.service,
        artifacts,
        fingerprints: net.fingerprints,
        backup: net.backup?.id,
        baseline,
        actor,
      },
      lease,
      environment,
    );
    const failed = result.walk.failed;
    if (failed === undefined || failed.result.outcome !== 'failed') {
      return { decision: 'proceed', reason: 'deployed', summary: `${request.version} is live`, result };
    }
    const { reason, message, remedy } = failed.result;
    const finding: Finding = {
      check: failed.name,
      layer: 'release',
      outcome: 'fail',
      severity: 'high',
      message,
      ...(remedy === undefined ? {} : { remedy }),
    };
    return { decision: 'stop', reason, summary: message, findings: [finding], result };
  });
}

/** Everything that is asked of the running release. What cannot be asked to the end counts as stop. */
async function judgeLive(
  run: ReleaseRun,
  environment: Environment,
  net: SafetyNet,
  found: FoundBaseline,
): Promise<Verdict> {
  try {
    const validated = await validateStage(run, environment, found);
    if (validated.decision === 'stop') return validated;
    const after = await complianceStage('after', run, environment, { net, validated });
    return after.decision === 'stop' ? after : validated;
  } catch (error) {
    const interrupted = error instanceof Interrupted || run.platform.signal.aborted;
    if (interrupted) return { decision: 'stop', reason: 'interrupted', summary: 'the release was interrupted' };
    const summary = `the release could not be judged: ${errorMessage(error)}`;
    return { decision: 'stop', reason: 'could-not-look', summary };
  }
}

async function goBack(
  run: ReleaseRun,
  environment: Environment,
  lease: Lease,
  net: SafetyNet,
  because: Verdict,
): Promise<Ending> {
  const { stages, id } = run;
  const journal = await environment.journal.read(id);
  if (journal === undefined) throw new Error(`the journal of ${id} is gone`);
  let back: FellBack | undefined;
  const verdict = await stages.run('rollback', async (): Promise<Verdict> => {
    try {
      back = await fallBack(journal, because.summary, lease, environment);
    } catch (error) {
      const hint = error instanceof OutsideError || error instanceof UserError ? ` ${error.hint ?? ''}` : '';
      return { decision: 'stop', reason: 'rollback-failed', summary: `${errorMessage(error)}.${hint}` };
    }
    const failed = back.walk.failed?.result;
    if (failed?.outcome === 'failed') return { decision: 'stop', reason: failed.reason, summary: failed.message };
    const summary = back.to === undefined ? 'nothing is live, as before' : `${back.to.version} is live again`;
    return { decision: 'proceed', reason: 'rolled-back', summary: `${summary}; data ${back.data}: ${back.dataReason}` };
  });
  const reason = verdict.decision === 'stop' ? 'unsafe' : 'rolled-back';
  return {
    reason,
    because,
    net,
    ...(back === undefined ? {} : { back }),
    ...(reason === 'unsafe' ? { trouble: verdict } : {}),
  };
}
