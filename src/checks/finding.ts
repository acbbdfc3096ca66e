import type { Finding, Outcome, Severity } from '../core/finding.ts';
import type { Check } from './check.ts';

interface Verdict {
  readonly outcome: Outcome;
  readonly message: string;
  /** Of a failure or of what was not seen; a pass is `info`. High by default. */
  readonly severity?: Severity;
  readonly measured?: Finding['measured'];
  readonly remedy?: string;
  /** Where the finding has another id than its check. */
  readonly check?: string;
}

/** A finding of a check: id, layer and path are the check's. */
export function findingOf(check: Pick<Check<unknown>, 'id' | 'layer' | 'path'>, verdict: Verdict): Finding {
  const { outcome, message, measured, remedy } = verdict;
  const isGood = outcome === 'pass' || outcome === 'skipped';
  return {
    check: verdict.check ?? check.id,
    layer: check.layer,
    outcome,
    severity: isGood ? 'info' : (verdict.severity ?? (outcome === 'warn' ? 'low' : 'high')),
    message,
    ...(measured === undefined ? {} : { measured }),
    ...(remedy === undefined || isGood ? {} : { remedy }),
    ...(check.path === undefined ? {} : { path: check.path }),
  };
}
