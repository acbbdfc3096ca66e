import type { Outcome } from '../core/finding.ts';
import type { Decision } from '../core/report.ts';

/** before: what can be judged without the running system, when a stop still costs nothing. after: all of it. */
export type Phase = 'before' | 'after';

/** What Holdfast itself observed in this run. Nothing here is a claim of the configuration. */
export interface ComplianceEvidence {
  readonly phase: Phase;
  /** Whether there is state that a backup must hold. */
  readonly hasState: boolean;
  /** The backup that this run took. */
  readonly backup?: { readonly id: string };
  /** That its restore was tried in this run, and every digest was equal. */
  readonly proof?: { readonly backup: string; readonly verified: boolean; readonly restoreMs: number };
  /** Why the run went on without a proof. */
  readonly withoutProof?: string;
  /** Who was let in, and why. */
  readonly authorisation: { readonly decision: Decision; readonly reason: string; readonly role?: string };
  /** By service: the digest that was authorised, and that of the files that lie there now. */
  readonly artifacts?: readonly { readonly service: string; readonly expected: string; readonly actual: string }[];
  /** Permission bits of what Holdfast keeps on the target. */
  readonly modes?: readonly { readonly path: string; readonly mode: number }[];
  /** Findings of the validation of this run, counted. */
  readonly validation?: Readonly<Record<Outcome, number>>;
}
