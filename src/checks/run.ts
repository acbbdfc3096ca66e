import { formatDuration } from '../core/duration.ts';
import { errorMessage, Interrupted } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Baseline } from './baseline.ts';
import type { Check } from './check.ts';

/** What running checks needs. */
export interface Running {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told how many checks are done. */
  readonly log?: Log;
}

/** Few enough that a small service is not put under load by its own checks. */
const CONCURRENT = 8;
/** The checks that tell whether a service answers at all. */
const ANSWERS = /^(?:health|port-open):/;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Asks all checks and answers their findings in the order of the checks. A check that throws or is not done in time
 * is `unknown` with the reason, never pass. Rejects with Interrupted when the signal fires.
 */
export async function runChecks(
  checks: readonly Check<unknown>[],
  baseline: Baseline | undefined,
  running: Running,
): Promise<Finding[]> {
  const findings = new Map<Check<unknown>, Finding[]>();
  const progress = running.log?.step('checks');
  const runOne = async (check: Check<unknown>) => {
    findings.set(check, await runCheck(check, baseline, running));
    progress?.progress(findings.size, checks.length, 'checks');
  };
  const inTurn = (turn: Check<unknown>['turn']) => checks.filter((check) => (check.turn ?? 'together') === turn);
  let decision: 'proceed' | 'stop' = 'stop';
  try {
    await runSeveral(inTurn('together'), CONCURRENT, runOne);
    // A service that does not answer is not measured: each sample would be waited for to the end.
    const isSilent = [...findings.values()]
      .flat()
      .some(({ check, outcome }) => outcome === 'fail' && ANSWERS.test(check));
    if (isSilent) for (const check of inTurn('alone')) findings.set(check, [notMeasured(check)]);
    else await runSeveral(inTurn('alone'), 1, runOne);
    await runSeveral(inTurn('last'), CONCURRENT, runOne);
    decision = 'proceed';
  } finally {
    progress?.end(decision, `${findings.size} of ${checks.length} checks were asked`);
  }
  return checks.flatMap((check) => findings.get(check) ?? []);
}

async function runSeveral<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}

async function runCheck(
  check: Check<unknown>,
  baseline: Baseline | undefined,
  { clock, signal }: Running,
): Promise<Finding[]> {
  if (signal.aborted) throw new Interrupted();
  const timeoutMs = check.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const over = new AbortController();
  const stop = clock.every(timeoutMs, () => over.abort());
  try {
    const evidence = await orAborted(check.collect(AbortSignal.any([signal, over.signal])), [signal, over.signal]);
    const findings = check.evaluate(evidence, baseline);
    return findings.length > 0 ? findings : [unknownFinding(check, 'it came to no answer')];
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    const why = over.signal.aborted ? `it was not done within ${formatDuration(timeoutMs)}` : errorMessage(error);
    return [unknownFinding(check, why)];
  } finally {
    stop();
  }
}

/** A check that does not obey its signal is left behind, so that the others go on. */
async function orAborted<T>(promise: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  const cleanUps: (() => void)[] = [];
  const aborted = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      const abort = () => reject(new Interrupted());
      signal.addEventListener('abort', abort, { once: true });
      cleanUps.push(() => signal.removeEventListener('abort', abort));
    }
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    for (const cleanUp of cleanUps) cleanUp();
  }
}

function notMeasured(check: Check<unknown>): Finding {
  const message = `${check.id} was not measured, because a service does not answer as it should`;
  return { check: check.id, layer: check.layer, outcome: 'skipped', severity: 'info', message };
}

function unknownFinding(check: Check<unknown>, why: string): Finding {
  return {
    check: check.id,
    layer: check.layer,
    outcome: 'unknown',
    severity: 'high',
    message: `${check.id} could not look: ${why}`,
    ...(check.path === undefined ? {} : { path: check.path }),
  };
}
