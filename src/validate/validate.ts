import { layersOf, planChecks } from '../checks/catalogue.ts';
import type { Observed } from '../checks/check.ts';
import { runChecks } from '../checks/run.ts';
import { countOutcomes, type Finding, type Layer } from '../core/finding.ts';
import type { Decision } from '../core/report.ts';
import { explainNone, type FoundBaseline } from '../environment/found-baseline.ts';
import type { Log } from '../platform/log.ts';

/** Why a validation ends as it does. `live-not-good`: it may stay live, but nothing is recorded from it. */
export const VALIDATE_REASONS = ['validated', 'live-not-good', 'check-failed', 'could-not-look'] as const;
export type ValidateReason = (typeof VALIDATE_REASONS)[number];

export interface Verdict {
  readonly decision: Decision;
  readonly reason: ValidateReason;
}

export interface Validated extends Verdict {
  /** One sentence of plain text. */
  readonly summary: string;
  readonly findings: readonly Finding[];
}

/** Layers in which a release is judged; compliance and the release itself are judged elsewhere. */
const LAYERS = ['infrastructure', 'application', 'pipeline', 'security', 'performance', 'database', 'cache'] as const;

/**
 * Asks all checks of the running system, on each of its machines, and judges it. Changes nothing but what the user's own
 * checks change. `places` has at least one entry.
 */
export async function validate(places: readonly Observed[], found: FoundBaseline, log?: Log): Promise<Validated> {
  const findings: Finding[] = [];
  const layers = new Set<Layer>();
  for (const observed of places) {
    const { clock, signal, host } = observed;
    const checks = planChecks(observed);
    for (const layer of layersOf(checks)) layers.add(layer);
    const asked = await runChecks(
      checks,
      found.baseline,
      log === undefined ? { clock, signal } : { clock, signal, log },
    );
    findings.push(...(host === undefined ? asked : asked.map((finding) => onHost(finding, host))));
  }
  const required = places[0]?.settings.validate.required;
  findings.push(baselineFinding(found), ...emptyLayers([...layers], required));
  return { ...judge(findings, required), summary: summarise(findings), findings };
}

function onHost(finding: Finding, host: string): Finding {
  return { ...finding, check: `${finding.check}@${host}`, message: `${host}: ${finding.message}` };
}

/**
 * What the findings mean for the release. A failure stops. "Could not look" stops in a required layer: each that has
 * checks but performance, unless the configuration names them. Warnings and what was skipped never stop.
 */
export function judge(findings: readonly Finding[], required?: readonly Layer[]): Verdict {
  if (findings.some(({ outcome }) => outcome === 'fail')) return { decision: 'stop', reason: 'check-failed' };
  const unknown = findings.filter(({ outcome }) => outcome === 'unknown');
  const isRequired = (layer: Layer) => (required === undefined ? layer !== 'performance' : required.includes(layer));
  if (unknown.some(({ layer }) => isRequired(layer))) return { decision: 'stop', reason: 'could-not-look' };
  return { decision: 'proceed', reason: unknown.length > 0 ? 'live-not-good' : 'validated' };
}

/** The same for the baseline alone: a release that would be stopped for it need not be deployed first. */
export function judgeBaseline(found: FoundBaseline, required?: readonly Layer[]): Validated {
  const finding = baselineFinding(found);
  return { ...judge([finding], required), summary: finding.message, findings: [finding] };
}

function baselineFinding(found: FoundBaseline): Finding {
  const common = { check: 'baseline', layer: 'application' } as const;
  if (found.status === 'found') {
    const { version, environment, recordedAt, id } = found.baseline;
    const where = { target: '', file: ' (the reviewed file)', artifact: ` (the artifact of the run ${found.run})` };
    const message = `compared with ${version} in ${environment}, recorded at ${recordedAt}${where[found.where]}`;
    return { ...common, severity: 'info', outcome: 'pass', message, measured: { baseline: id } };
  }
  const { environment } = found;
  const message = `${explainNone(found)}, so behaviour and response times were compared with nothing`;
  if (found.status === 'missing' && found.isOwn) return { ...common, severity: 'info', outcome: 'skipped', message };
  const path = 'validate.baseline.from';
  const again = `in ${environment} with the action record-baseline, or with "holdfast baseline record --write"`;
  switch (found.status) {
    case 'missing': {
      const remedy = `Release ${environment}, or record one ${again} and a pull request.`;
      return { ...common, severity: 'medium', outcome: 'warn', message, remedy, path };
    }
    case 'expired': {
      const remedy = `Record it again ${again} and a pull request: a reviewed file does not expire.`;
      return { ...common, severity: 'medium', outcome: 'warn', message, remedy, path };
    }
    case 'refused': {
      const { remedy = `Record one that counts ${again} and a pull request.` } = found;
      return { ...common, severity: 'high', outcome: 'unknown', message, remedy, path };
    }
  }
}

function emptyLayers(present: readonly Layer[], required: readonly Layer[] = []): Finding[] {
  return LAYERS.filter((layer) => !present.includes(layer)).map((layer) => {
    const isRequired = required.includes(layer);
    return {
      check: `layer:${layer}`,
      layer,
      outcome: isRequired ? 'unknown' : 'skipped',
      severity: isRequired ? 'high' : 'info',
      message: isRequired
        ? `validate.required names the layer ${layer}, which has no checks`
        : `the layer ${layer} has no checks`,
      ...(isRequired ? { remedy: `Add a check of this layer to validate.checks.`, path: 'validate.required' } : {}),
    };
  });
}

function summarise(findings: readonly Finding[]): string {
  const { pass, warn, fail, unknown } = countOutcomes(findings);
  const asked = pass + warn + fail + unknown;
  const parts = [
    fail > 0 ? `${fail} failed` : '',
    unknown > 0 ? `${unknown} could not look` : '',
    warn > 0 ? `${warn} warned` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? `all ${asked} checks passed` : `of ${asked} checks ${parts.join(', ')}`;
}
