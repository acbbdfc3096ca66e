import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.ts';
import { formatDuration } from '../core/duration.ts';
import { compareShapes, Shape } from './shape.ts';

export const Latency = z.strictObject({ p50Ms: z.number(), p95Ms: z.number(), n: z.int() });
export type Latency = z.infer<typeof Latency>;

/** What was right about one check. Never a value of an answer, a header or a token. */
export const BaselineEntry = z.strictObject({
  status: z.int().optional(),
  /** The media type alone: `application/json`. */
  contentType: z.string().optional(),
  shape: Shape.optional(),
  latency: Latency.optional(),
});
export type BaselineEntry = z.infer<typeof BaselineEntry>;

const Content = z.strictObject({
  schema: z.literal(1),
  environment: z.string(),
  release: z.string(),
  version: z.string(),
  /** UTC, ISO 8601. */
  recordedAt: z.string(),
  checks: z.record(z.string(), BaselineEntry),
});

/** What was recorded as right. `id` is the SHA-256 of all the rest in canonical JSON. */
export const Baseline = z.strictObject({ ...Content.shape, id: z.string() });
export type Baseline = z.infer<typeof Baseline>;

/** Gives a baseline its id. */
export function sealBaseline(content: z.infer<typeof Content>): Baseline {
  return { ...content, id: createHash('sha256').update(canonicalJson(content)).digest('hex') };
}

/** False when a baseline is not what it was when it got its id. */
export function isBaselineIntact({ id, ...content }: Baseline): boolean {
  return sealBaseline(content).id === id;
}

export interface BaselineDifference {
  readonly check: string;
  /** One line of plain text: what is different in the second. */
  readonly text: string;
}

/** What is different in `after`, check by check; empty when both hold the same but for the moment. */
export function compareBaselines(before: Baseline, after: Baseline): BaselineDifference[] {
  const names = [...new Set([...Object.keys(before.checks), ...Object.keys(after.checks)])].sort();
  return names.flatMap((check) =>
    compareEntries(before.checks[check], after.checks[check]).map((text) => ({ check, text })),
  );
}

function compareEntries(before: BaselineEntry | undefined, after: BaselineEntry | undefined): string[] {
  if (before === undefined) return ['is new'];
  if (after === undefined) return ['is gone'];
  const texts: string[] = [];
  if (before.status !== after.status)
    texts.push(`answers ${after.status ?? 'nothing'}, was ${before.status ?? 'nothing'}`);
  if (before.contentType !== after.contentType) {
    texts.push(`has the type ${after.contentType ?? 'none'}, was ${before.contentType ?? 'none'}`);
  }
  if (before.shape !== undefined && after.shape !== undefined) {
    texts.push(...compareShapes(before.shape, after.shape).map(({ text }) => text));
  } else if (before.shape !== after.shape) {
    texts.push(after.shape === undefined ? 'has no JSON answer any more' : 'has a JSON answer now');
  }
  if (before.latency !== undefined && after.latency !== undefined)
    texts.push(...compareLatency(before.latency, after.latency));
  return texts;
}

function compareLatency(before: Latency, after: Latency): string[] {
  // Below a millisecond the clock of the machine is what is measured.
  if (Math.abs(before.p50Ms - after.p50Ms) < 1) return [];
  return [`takes ${formatDuration(after.p50Ms)} at the median, was ${formatDuration(before.p50Ms)}`];
}
