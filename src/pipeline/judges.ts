import { accessFinding, decideAccess } from '../authorize/authorize.ts';
import { createBackup, pruneBackups, verifyBackup } from '../backup/backup.ts';
import { planChecks } from '../checks/catalogue.ts';
import { recordBaseline } from '../checks/record-baseline.ts';
import { assessCompliance, type ComplianceEvidence } from '../compliance/assess.ts';
import type { Capsule } from '../core/capsule.ts';
import { errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';
import { countOutcomes, type Finding } from '../core/finding.ts';
import { findBaseline, saveBaseline } from '../environment/baselines.ts';
import type { Environment } from '../environment/environment.ts';
import type { FoundBaseline } from '../environment/found-baseline.ts';
import { keepWithRun } from '../environment/kept-baseline.ts';
import { compareArtifacts, listOwnModes, observe, observeAll } from '../environment/observe.ts';
import type { BackupRecord } from '../sources/manifest.ts';
import { type Validated, validate } from '../validate/validate.ts';
import type { ReleaseRun, SafetyNet } from './run.ts';
import type { Verdict } from './stages.ts';

/** Who asks, and may they. The way back needs no role; going on without a proof needs one of its own. */
export async function authorizeStage({ stages, settings, actor, platform, request }: ReleaseRun): Promise<Verdict> {
  return stages.run('authorize', async () => {
    const now = platform.clock.now();
    const access = decideAccess({ actor, action: 'release', access: settings.access, now });
    const findings = [accessFinding(access)];
    if (access.decision === 'stop' || request.withoutProof === undefined)
      return { ...access, findings, summary: access.message };
    const override = decideAccess({ actor, action: 'override', access: settings.access, now });
    findings.push(accessFinding(override));
    return { ...override, findings, summary: `${access.message}; without proof: ${override.message}` };
  });
}

export async function complianceStage(
  phase: 'before' | 'after',
  run: ReleaseRun,
  environment: Environment,
  seen: { readonly net?: SafetyNet; readonly validated?: Validated } = {},
): Promise<Verdict> {
  const { stages, settings, actor, platform, id } = run;
  return stages.run(phase === 'before' ? 'compliance-before' : 'compliance-after', async () => {
    if (settings.compliance.frameworks.length === 0) {
      return { decision: 'proceed', reason: 'skipped', summary: 'no framework is configured' };
    }
    const access = decideAccess({ actor, action: 'release', access: settings.access, now: platform.clock.now() });
    // Before the backup only the wish to do without a proof is known, and a stop still costs nothing.
    const withoutProof = phase === 'before' ? run.request.withoutProof : seen.net?.withoutProof;
    const evidence: ComplianceEvidence = {
      phase,
      hasState: environment.sources.length > 0,
      authorisation: access,
      modes: await listOwnModes(environment),
      ...(seen.net?.backup === undefined ? {} : { backup: seen.net.backup }),
      ...(seen.net?.proof === undefined ? {} : { proof: seen.net.proof }),
      ...(withoutProof === undefined ? {} : { withoutProof }),
      ...(seen.validated === undefined ? {} : { validation: countOutcomes(seen.validated.findings) }),
      ...(phase === 'after' ? { artifacts: await compareArtifacts(id, environment) } : {}),
    };
    return assessCompliance(evidence, settings.compliance);
  });
}

/** Takes a backup and proves it. Without a proof there is no release, but by an override that says why. */
export async function backupStage(run: ReleaseRun, environment: Environment): Promise<SafetyNet> {
  const { stages, request } = run;
  return stages.run('backup', async (): Promise<SafetyNet> => {
    if (environment.sources.length === 0) {
      const summary = 'no state is configured: a rollback brings back code and configuration only';
      return { decision: 'proceed', reason: 'skipped', summary, fingerprints: {} };
    }
    let backup: BackupRecord | undefined;
    try {
      backup = await createBackup(environment);
      const proof = await verifyBackup(backup, environment);
      await pruneBackups(environment);
      return {
        decision: 'proceed',
        reason: 'proven',
        summary: `${backup.id} restores in ${proof.restoreMs} ms, every digest equal`,
        backup,
        proof,
        fingerprints: fingerprintsOf(backup),
      };
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      const code = error instanceof OutsideError || error instanceof UserError ? error.code : 'no-proof';
      const hint = error instanceof OutsideError || error instanceof UserError ? error.hint : undefined;
      const allowed = request.withoutProof !== undefined;
      const finding: Finding = {
        check: 'backup',
        layer: 'release',
        outcome: allowed ? 'warn' : 'fail',
        severity: 'critical',
        message: `there is no proven backup: ${errorMessage(error)}`,
        remedy: hint ?? 'Mend what the message names; an approver may go on with --without-proof REASON.',
        path: 'state',
      };
      return {
        decision: allowed ? 'proceed' : 'stop',
        reason: allowed ? 'without-proof' : code,
        summary: allowed ? `without proof: ${request.withoutProof}` : finding.message,
        findings: [finding],
        ...(backup === undefined ? {} : { backup }),
        ...(allowed ? { withoutProof: request.withoutProof } : {}),
        fingerprints: backup === undefined ? await readFingerprints(environment) : fingerprintsOf(backup),
      };
    }
  });
}

function fingerprintsOf({ sources }: BackupRecord): Capsule['fingerprints'] {
  return Object.fromEntries(sources.map(({ name, fingerprint }) => [name, fingerprint]));
}

async function readFingerprints({ sources }: Environment): Promise<Capsule['fingerprints']> {
  const fingerprints: Record<string, string | null> = {};
  for (const source of sources) {
    // A state that cannot be read has no structure to compare with.
    fingerprints[source.name] = (await source.fingerprint().catch(() => undefined)) ?? null;
  }
  return fingerprints;
}

/** Asks every check of what is live. `found` is the baseline where it was looked for already. */
export async function validateStage(
  { stages, platform }: ReleaseRun,
  environment: Environment,
  found?: FoundBaseline,
): Promise<Validated> {
  return stages.run('validate', async () => {
    const observed = await observeAll(environment);
    const validated = await validate(observed, found ?? (await findBaseline(environment)), platform.log);
    return { ...validated, findings: [...validated.findings, ...(await missingState(environment))] };
  });
}

/** State that is configured and not there, although everything runs: a wrong path would protect nothing, in silence. */
async function missingState({ sources, machine }: Environment): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, paths } of sources) {
    const found = await Promise.all(paths.map((path) => machine.files.status(path)));
    if (paths.length === 0 || found.some((status) => status !== undefined)) continue;
    findings.push({
      check: `state-present:${name}`,
      layer: 'release',
      outcome: 'warn',
      severity: 'high',
      message: `there is nothing at ${paths[0]}, so state.${name} holds nothing that a rollback could bring back`,
      remedy:
        'Correct the path, and see that the service writes below HOLDFAST_SHARED or into a folder of its `shared` list.',
      path: `state.${name}.path`,
    });
  }
  return findings;
}

/** Marks the release good and records what is right now, on the target and with the run of the workflow. */
export async function promoteStage(
  { stages, settings, id, request, platform }: ReleaseRun,
  environment: Environment,
  markGood: () => Promise<readonly string[]>,
): Promise<Verdict> {
  return stages.run('promote', async () => {
    const removed = await markGood();
    const observed = await observe(environment);
    const { clock, signal } = platform;
    const subject = {
      environment: settings.environment,
      release: id,
      version: request.version,
      secretValues: settings.secretValues,
    };
    const baseline = await recordBaseline(planChecks(observed), subject, { clock, signal }).catch((error: unknown) => {
      platform.log.warn(`the baseline was not recorded: ${errorMessage(error)}`);
      return undefined;
    });
    if (baseline !== undefined) await saveBaseline(baseline, environment);
    const pruned = removed.length === 0 ? '' : `; removed ${removed.length} old releases`;
    return {
      decision: 'proceed',
      reason: 'promoted',
      summary: `${request.version} is good${pruned}`,
      findings: baseline === undefined ? [] : await keepWithRun(baseline, environment),
    };
  });
}
