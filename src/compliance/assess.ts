import { UserError } from '../core/errors.ts';
import { countOutcomes, type Finding } from '../core/finding.ts';
import type { Decision } from '../core/report.ts';
import { type Control, findingOf } from './control.ts';
import type { ComplianceEvidence } from './evidence.ts';
import { GDPR_CONTROLS } from './gdpr.ts';
import { HIPAA_CONTROLS } from './hipaa.ts';
import type { ComplianceSettings } from './settings.ts';
import { SOC2_CONTROLS } from './soc2.ts';

/** Every control there is. A new one is one entry here. */
export const CONTROLS: readonly Control[] = [...HIPAA_CONTROLS, ...GDPR_CONTROLS, ...SOC2_CONTROLS];

export const COMPLIANCE_REASONS = ['nothing-against', 'no-frameworks', 'control-failed', 'could-not-look'] as const;
export type ComplianceReason = (typeof COMPLIANCE_REASONS)[number];

export interface Assessment {
  readonly decision: Decision;
  readonly reason: ComplianceReason;
  readonly summary: string;
  readonly findings: readonly Finding[];
}

/**
 * Judges what this run observed by the controls of the configured frameworks that can be judged in its phase. A control
 * that fails stops, and so does one that could not look. Pure. A pass says that nothing seen speaks against a rule,
 * never that anybody complies with a law.
 */
export function assessCompliance(evidence: ComplianceEvidence, settings: ComplianceSettings): Assessment {
  if (settings.frameworks.length === 0) {
    return { decision: 'proceed', reason: 'no-frameworks', summary: 'no framework is configured', findings: [] };
  }
  const controls = CONTROLS.filter(
    ({ framework, phases }) => settings.frameworks.includes(framework) && phases.includes(evidence.phase),
  );
  const findings = controls.map((control) => findingOf(control, evidence));
  const { pass, warn, fail, skipped, unknown } = countOutcomes(findings);
  const counts = [
    [pass, 'passed'],
    [fail, 'failed'],
    [unknown, 'could not look'],
    [warn, 'warned'],
    [skipped, 'skipped'],
  ] as const;
  const told = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const summary = told.length === 0 ? 'no control can be judged yet' : `controls: ${told.join(', ')}`;
  if (fail > 0) return { decision: 'stop', reason: 'control-failed', summary, findings };
  if (unknown > 0) return { decision: 'stop', reason: 'could-not-look', summary, findings };
  return { decision: 'proceed', reason: 'nothing-against', summary, findings };
}

/** What a control asks for and how it is judged, as lines of plain text. Throws UserError for one that does not exist. */
export function explainControl(id: string): string {
  const control = CONTROLS.find((candidate) => candidate.id === id);
  if (control === undefined) {
    throw new UserError('unknown-control', `there is no control ${id}`, {
      hint: `There are ${CONTROLS.map((one) => one.id).join(', ')}.`,
    });
  }
  const { citation, title, coverage, demand, looksAt, phases } = control;
  return [
    `${id}: ${title}`,
    `Source: ${citation}`,
    `Asks for: ${demand}`,
    `Looked at: ${looksAt}`,
    `Coverage: ${coverage}, judged ${phases.join(' and ')} the release`,
  ].join('\n');
}

export type { ComplianceEvidence } from './evidence.ts';
