import type { Finding } from '../core/finding.ts';
import type { Decision, StepRecord } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';

/** The stages of a release, in order: what `plan` prints, what the workflows' steps are held to, what a release walks. */
export const STAGES = [
  { name: 'authorize', summary: 'see who asks, which role that gives, and whether releases are frozen' },
  { name: 'compliance-before', summary: 'judge the controls that need no running system' },
  { name: 'backup', summary: 'copy the state, and prove the copy by restoring it into scratch' },
  { name: 'deploy', summary: 'stage every service beside the live one, migrate, and make the new release live' },
  { name: 'validate', summary: 'check the running system, layer by layer, against the baseline' },
  { name: 'compliance-after', summary: 'judge the controls that look at the running system' },
  { name: 'promote', summary: 'mark the release good and record its baseline' },
] as const;
export type StageName = (typeof STAGES)[number]['name'] | 'rollback' | 'recover' | 'lease' | 'alert';

/** What a stage answers. */
export interface Verdict {
  readonly decision: Decision;
  readonly reason: string;
  readonly summary: string;
  readonly findings?: readonly Finding[];
}

/** Keeps the list of steps of a run, with how long each took. */
export interface StageBook {
  run<T extends Verdict>(name: StageName, work: () => Promise<T>): Promise<T>;
  readonly steps: readonly StepRecord[];
  readonly findings: readonly Finding[];
}

export function openStageBook({ clock, log }: Pick<Platform, 'clock' | 'log'>): StageBook {
  const steps: StepRecord[] = [];
  const findings: Finding[] = [];
  return {
    steps,
    findings,
    async run(name, work) {
      const startedAt = clock.now();
      const progress = log.step(name);
      try {
        const verdict = await work();
        const { decision, reason, summary } = verdict;
        steps.push({ name, decision, reason, durationMs: clock.now() - startedAt, summary });
        findings.push(...(verdict.findings ?? []));
        progress.end(decision, summary);
        return verdict;
      } catch (error) {
        progress.end('stop', 'failed');
        throw error;
      }
    },
  };
}
