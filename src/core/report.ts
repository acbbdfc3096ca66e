import { z } from 'zod';
import { Finding } from './finding.ts';

export const Decision = z.enum(['proceed', 'stop']);
export type Decision = z.infer<typeof Decision>;

/** What a report is about. `release` and `version` are absent where there is none (for example `config check`). */
export const Subject = z.strictObject({
  project: z.string(),
  environment: z.string(),
  release: z.string().optional(),
  version: z.string().optional(),
});
export type Subject = z.infer<typeof Subject>;

/** One step of a longer run, as it appears in `record.steps`. */
export const StepRecord = z.strictObject({
  name: z.string(),
  decision: Decision,
  reason: z.string(),
  durationMs: z.number(),
  summary: z.string().optional(),
});
export type StepRecord = z.infer<typeof StepRecord>;

/** The one answer of every action and every command. `reason` is kebab-case and stable. */
export const Report = z.strictObject({
  schema: z.literal(1),
  action: z.string(),
  subject: Subject,
  decision: Decision,
  reason: z.string(),
  /** One sentence of plain text: what happened, to which thing. */
  summary: z.string(),
  findings: z.array(Finding),
  /** Data of this action. No secrets. */
  record: z.record(z.string(), z.json()).optional(),
  /** UTC, ISO 8601. */
  startedAt: z.string(),
  finishedAt: z.string(),
});
export type Report = z.infer<typeof Report>;

export interface ReportParts {
  readonly decision?: Decision;
  readonly reason: string;
  readonly summary: string;
  readonly findings?: readonly Finding[];
  readonly record?: unknown;
}

/** Puts a report together; `record` is cut down to what JSON can carry. Moments in milliseconds since 1970. */
export function composeReport(
  action: string,
  subject: Subject,
  times: { readonly startedAt: number; readonly finishedAt: number },
  parts: ReportParts,
): Report {
  const record = parts.record === undefined ? {} : { record: JSON.parse(JSON.stringify(parts.record)) };
  return {
    schema: 1,
    action,
    subject,
    decision: parts.decision ?? 'proceed',
    reason: parts.reason,
    summary: parts.summary,
    findings: [...(parts.findings ?? [])],
    ...record,
    startedAt: new Date(times.startedAt).toISOString(),
    finishedAt: new Date(times.finishedAt).toISOString(),
  };
}

/** The reasons in which a release ends. */
export const RELEASE_REASONS = ['released', 'live-not-good', 'not-started', 'rolled-back', 'unsafe'] as const;

/** Exit codes of the command line. */
export const EXIT = { proceed: 0, stop: 1, user: 2, outside: 3, unsafe: 4, bug: 70, interrupted: 130 } as const;

/** The exit code that a report asks for. */
export function exitCodeOf(report: Report): number {
  if (report.reason === 'unsafe') return EXIT.unsafe;
  return report.decision === 'proceed' ? EXIT.proceed : EXIT.stop;
}
