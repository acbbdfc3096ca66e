import { errorCode, errorMessage, Interrupted } from '../core/errors.ts';
import type { Step, StepResult } from '../core/step.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { type Journal, REFUSED } from './journal.ts';
import type { Lease } from './lease.ts';

export interface WalkedStep {
  readonly name: string;
  readonly summary: string;
  /** It changed nothing. */
  readonly looks?: true;
  readonly result: StepResult;
  readonly durationMs: number;
}

export interface Walk {
  /** True when every step is done. */
  readonly completed: boolean;
  readonly steps: readonly WalkedStep[];
  /** The step that did not succeed. */
  readonly failed?: WalkedStep;
}

export interface Walking {
  readonly journal: Journal;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Does the steps in order: intent on disk, lease still ours, the step, result on disk. Ends at the first that fails or
 * throws. Between steps it obeys the signal, which counts as a failure with the reason `interrupted`.
 */
export async function walk(run: string, steps: readonly Step[], walking: Walking): Promise<Walk> {
  const { journal, lease, clock, log, signal } = walking;
  const walked: WalkedStep[] = [];
  for (const step of steps) {
    const startedAt = clock.now();
    const looks = step.looks === undefined ? {} : { looks: step.looks };
    await journal.write(run, { line: 'intent', step: step.name, ...looks });
    // Behind the intent: whoever took the lease over has seen the intent of every step that still got past here.
    await lease.assertHeld().catch(async (error: unknown) => {
      if (errorCode(error) !== REFUSED.reason) throw error;
      await journal.write(run, { line: 'result', step: step.name, outcome: 'failed', ...REFUSED });
      throw error;
    });
    const progress = log.step(step.summary);
    const result = await runStep(step, progress, signal);
    const failure = result.outcome === 'failed' ? { reason: result.reason, message: result.message } : {};
    const facts = result.outcome === 'done' && result.facts !== undefined ? { facts: result.facts } : {};
    await journal.write(run, { line: 'result', step: step.name, outcome: result.outcome, ...failure, ...facts });
    const done = { name: step.name, summary: step.summary, ...looks, result, durationMs: clock.now() - startedAt };
    walked.push(done);
    if (result.outcome === 'done') progress.end('proceed', result.note ?? '');
    else progress.end('stop', result.message);
    if (result.outcome === 'failed') return { completed: false, steps: walked, failed: done };
  }
  return { completed: true, steps: walked };
}

async function runStep(step: Step, progress: Parameters<Step['run']>[0], signal: AbortSignal): Promise<StepResult> {
  if (signal.aborted) return interrupted(step);
  try {
    return await step.run(progress);
  } catch (error) {
    if (error instanceof Interrupted || signal.aborted) return interrupted(step);
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'step-failed';
    const hint =
      error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? { remedy: error.hint } : {};
    return {
      outcome: 'failed',
      reason: code.toLowerCase().replaceAll('_', '-'),
      message: errorMessage(error),
      ...hint,
    };
  }
}

function interrupted(step: Step): StepResult {
  return { outcome: 'failed', reason: 'interrupted', message: `interrupted before it could ${step.summary}` };
}
