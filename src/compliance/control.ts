import type { Finding, Outcome, Severity } from '../core/finding.ts';
import type { ComplianceEvidence, Phase } from './evidence.ts';
import type { Framework } from './settings.ts';

/** full: what is seen is the whole rule. partial: a part of it. indicative: a sign that it holds. */
export type Coverage = 'full' | 'partial' | 'indicative';

/** A rule of a framework, and how what a run observed speaks for or against it. */
export interface Control {
  /** Framework and paragraph: stable. */
  readonly id: string;
  readonly framework: Framework;
  readonly citation: string;
  readonly title: string;
  readonly coverage: Coverage;
  /** What the rule asks for, in our words. */
  readonly demand: string;
  /** What of it is looked at, and what is not. */
  readonly looksAt: string;
  readonly phases: readonly Phase[];
  /** Pure. */
  judge(evidence: ComplianceEvidence): Judgement;
}

export interface Judgement {
  readonly outcome: Outcome;
  /** One sentence that names the evidence. */
  readonly message: string;
  readonly severity?: Severity;
  readonly remedy?: string;
  readonly measured?: Finding['measured'];
}

/** What a control says of this evidence, as a finding of the layer `compliance`. */
export function findingOf(control: Control, evidence: ComplianceEvidence): Finding {
  const { outcome, message, severity, remedy, measured } = control.judge(evidence);
  const isGood = outcome === 'pass' || outcome === 'skipped';
  return {
    check: control.id,
    layer: 'compliance',
    outcome,
    severity: isGood ? 'info' : (severity ?? (outcome === 'warn' ? 'medium' : 'high')),
    message: `${control.title}: ${message}`,
    references: [control.citation],
    ...(remedy === undefined || isGood ? {} : { remedy }),
    ...(measured === undefined ? {} : { measured }),
    path: 'compliance.frameworks',
  };
}
