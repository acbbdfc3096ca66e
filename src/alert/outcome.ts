import { z } from 'zod';
import type { Finding } from '../core/finding.ts';
import { type Handover, handoversOf, type JobNeeded } from '../core/handover.ts';
import type { Decision, StepRecord } from '../core/report.ts';

/** What became of a release or a rollback, by what all jobs of its workflow said. */
export interface Outcome {
  readonly action: 'release' | 'rollback';
  readonly decision: Decision;
  /** Of a release one of RELEASE_REASONS. */
  readonly reason: string;
  readonly summary: string;
  readonly release: string | undefined;
  readonly version: string | undefined;
  /** Null: nothing is live. Undefined: nobody said it. */
  readonly live: Live | null | undefined;
  readonly steps: readonly StepRecord[];
  readonly findings: readonly Finding[];
  /** What earlier runs had left and this one settled first. */
  readonly settled: readonly string[];
}

const Live = z.object({ release: z.string(), version: z.string() });
type Live = z.infer<typeof Live>;
const Settled = z.array(z.string());

export type Needs = Readonly<Record<string, JobNeeded>>;

interface Verdict {
  readonly reason: string;
  readonly summary: string;
}

/**
 * Decides over all jobs together. A job that died, ran out of time or was cancelled hands nothing on, and what it left is
 * told by the job `recover`; where that one cannot tell either, the answer is `unsafe`. `version` is what was asked for. Pure.
 */
export function outcomeOf(needs: Needs, version: string | undefined): Outcome {
  const action = needs['rollback'] === undefined ? 'release' : 'rollback';
  const told = handoversByJob(needs);
  const { reason, summary } = action === 'release' ? judgeRelease(needs, version) : judgeRollback(needs);
  const decision =
    reason === 'released' || reason === 'live-not-good' || (action === 'rollback' && reason === 'rolled-back')
      ? 'proceed'
      : 'stop';
  const subjects = told.map(({ handover }) => handover.subject);
  const begun = told.find(({ handover }) => handover.action === 'deploy')?.handover.subject;
  const live = reason === 'unsafe' ? undefined : liveIn(told.map(({ handover }) => handover));
  return {
    ...{ action, decision, reason, summary, live },
    release: begun?.release ?? (action === 'rollback' ? live?.release : undefined),
    version: version ?? subjects.find((subject) => subject.version !== undefined)?.version ?? live?.version,
    steps: told.map(({ name, handover }) => ({
      name,
      decision: handover.decision,
      reason: handover.reason,
      summary: handover.summary,
      durationMs: handover.tookMs,
    })),
    findings: [...stoppedFindings(told), ...silentFindings(needs)],
    settled: told.flatMap(({ handover }) => Settled.safeParse(handover.record['recovered']).data ?? []),
  };
}

interface Told {
  readonly job: string;
  readonly name: string;
  readonly handover: Handover;
}

/** In the order in which jobs and steps come: that of the JSON is one of chance. */
const JOB_ORDER = ['build', 'admit', 'release', 'rollback', 'recover'];

function handoversByJob(needs: Needs): Told[] {
  return JOB_ORDER.flatMap((job) => {
    const needed = needs[job];
    return needed === undefined ? [] : handoversOf(needed).map(([name, handover]) => ({ job, name, handover }));
  });
}

function judgeRelease(needs: Needs, version: string | undefined): Verdict {
  const { release } = needs;
  if (release === undefined || release.result === 'skipped') {
    return { reason: 'not-started', summary: `nothing was changed: ${whyNotAdmitted(needs)}` };
  }
  const steps = new Map(handoversOf(release));
  const promoted = steps.get('promote');
  const asked = version ?? 'the release';
  if (promoted?.reason === 'live-not-good') return { reason: 'live-not-good', summary: promoted.summary };
  if (promoted?.decision === 'proceed') return { reason: 'released', summary: promoted.summary };
  const because = whyItFailed(release);
  const undone = steps.get('rollback');
  const recovery = recoveryOf(needs);
  // A backup that is unsafe found what an earlier run left, and could not settle it.
  const isUnsafe = [steps.get('backup'), undone, recovery].some((each) => each?.reason === 'unsafe');
  const hasBegun = undone === undefined || isUnsafe || steps.get('backup')?.decision === 'proceed';
  // Where somebody else had taken over, the job that came later knows how that ended.
  const isLeftOpen = undone?.record['own'] === 'open' && recovery !== undefined;
  if (undone?.decision === 'proceed' && !isLeftOpen) return judgeOwn(undone, asked, because);
  if (hasBegun) return judgeRecovery(needs, asked, undone === undefined ? because : `${because}; ${undone.summary}`);
  return { reason: 'not-started', summary: `${asked} was not released and nothing was changed: ${because}` };
}

/** The job that releases told nothing, or could not go back: what lies on the target decides. */
function judgeRecovery(needs: Needs, asked: string, because: string): Verdict {
  const recovery = recoveryOf(needs);
  if (recovery?.decision === 'proceed') return judgeOwn(recovery, asked, because);
  const why = recovery?.summary ?? `the job recover ${endedHow(needs['recover']?.result)}`;
  return {
    reason: 'unsafe',
    summary: `${asked} failed (${because}), and so did the way back: ${why}. A person is needed`,
  };
}

/** By what became of the release that this run had begun: whatever else was settled, one that had begun none changed nothing. */
function judgeOwn({ record, reason, summary }: Handover, asked: string, because: string): Verdict {
  switch (record['own']) {
    case 'good':
      return { reason: 'released', summary: `${asked} is live and good, but ${because}; ${summary}` };
    case 'live-not-good':
      return { reason: 'live-not-good', summary: `${asked} is live, but ${because}; ${summary}` };
    case 'undone':
      return { reason: 'rolled-back', summary: `${asked} failed (${because}); ${summary}` };
    case 'open':
      // Nobody has judged it, and somebody else has the environment now.
      return { reason: 'rolled-back', summary: `${asked} was broken off (${because}); ${summary}` };
    case 'discarded':
    case 'nothing':
      return { reason: 'not-started', summary: `${asked} was not released: ${because}; ${summary}` };
    default:
      return reason === 'rolled-back'
        ? { reason, summary: `${asked} failed (${because}); ${summary}` }
        : {
            reason: 'unsafe',
            summary: `what became of ${asked} is not known: ${because}; ${summary}. A person is needed`,
          };
  }
}

function recoveryOf(needs: Needs): Handover | undefined {
  const { recover } = needs;
  return recover === undefined ? undefined : handoversOf(recover)[0]?.[1];
}

function judgeRollback(needs: Needs): Verdict {
  const { rollback } = needs;
  const [[, back] = []] = rollback === undefined ? [] : handoversOf(rollback);
  if (rollback === undefined || rollback.result === 'skipped') {
    const stopped = firstStop(needs);
    return { reason: stopped?.reason ?? 'not-started', summary: `nothing was changed: ${whyNotAdmitted(needs)}` };
  }
  if (back !== undefined) return { reason: back.reason, summary: back.summary };
  return {
    reason: 'unsafe',
    summary: `the job rollback ${endedHow(rollback.result)}: what is live is not known. A person is needed`,
  };
}

function firstStop(needs: Needs): Handover | undefined {
  return handoversByJob(needs).find(({ handover }) => handover.decision === 'stop')?.handover;
}

function whyNotAdmitted(needs: Needs): string {
  const stopped = firstStop(needs);
  if (stopped !== undefined) return stopped.summary;
  const [job, { result } = { result: undefined }] =
    Object.entries(needs).find(([, each]) => each.result !== 'success' && each.result !== 'skipped') ?? [];
  return job === undefined ? 'the run was cancelled' : `the job ${job} ${endedHow(result)}`;
}

function whyItFailed(release: JobNeeded): string {
  const stopped = handoversOf(release).find(([name, { decision }]) => name !== 'rollback' && decision === 'stop');
  return stopped?.[1].summary ?? `the job release ${endedHow(release.result)}`;
}

function endedHow(result: string | undefined): string {
  switch (result) {
    case 'cancelled':
      return 'was cancelled or ran out of time';
    case 'failure':
      return 'failed or died without a word';
    case 'skipped':
    case undefined:
      return 'did not run';
    default:
      return `ended as ${result}`;
  }
}

function stoppedFindings(told: readonly Told[]): Finding[] {
  return told.flatMap(({ name, handover: { decision, summary, remedy } }): Finding[] => {
    if (decision === 'proceed') return [];
    const what = { check: name, layer: 'release', outcome: 'fail', severity: 'high', message: summary } as const;
    return [remedy === undefined ? what : { ...what, remedy }];
  });
}

/** Jobs of which only GitHub tells how they ended. */
function silentFindings(needs: Needs): Finding[] {
  return Object.entries(needs).flatMap(([job, needed]): Finding[] => {
    const isTold = handoversOf(needed).some(([, { decision }]) => decision === 'stop');
    if (isTold || needed.result === 'success' || needed.result === 'skipped') return [];
    const message = `the job ${job} ${endedHow(needed.result)}; its log tells more`;
    return [{ check: `job:${job}`, layer: 'release', outcome: 'fail', severity: 'high', message }];
  });
}

/** What the last one that knew it said is live. */
function liveIn(handovers: readonly Handover[]): Live | null | undefined {
  const said = [...handovers].reverse().map(({ record }) => Live.nullable().safeParse(record['live']));
  return said.find(({ success }) => success)?.data;
}
