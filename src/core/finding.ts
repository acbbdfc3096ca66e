import { z } from 'zod';

/** A family of checks. A release is judged layer by layer. */
export const Layer = z.enum([
  'infrastructure',
  'application',
  'pipeline',
  'security',
  'performance',
  'database',
  'cache',
  'compliance',
  'release',
]);
export type Layer = z.infer<typeof Layer>;

/** `unknown` means that the check could not look. It is never `pass`. */
export const Outcome = z.enum(['pass', 'warn', 'fail', 'skipped', 'unknown']);
export type Outcome = z.infer<typeof Outcome>;

export const Severity = z.enum(['critical', 'high', 'medium', 'low', 'info']);
export type Severity = z.infer<typeof Severity>;

/** The answer to one question asked of the world. */
export const Finding = z.strictObject({
  /** Stable kebab-case id of the check that answered. */
  check: z.string(),
  layer: Layer,
  outcome: Outcome,
  severity: Severity,
  /** One sentence of plain text. */
  message: z.string(),
  /** What was seen, for machines: numbers with the unit in the name. */
  measured: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  /** What the reader should do, one sentence. */
  remedy: z.string().optional(),
  /** The path in holdfast.yml that asked for this check, for example `validate.checks.login-works`. */
  path: z.string().optional(),
  /** Citations (a control's paragraph) or links. */
  references: z.array(z.string()).optional(),
});
export type Finding = z.infer<typeof Finding>;

/** Counts findings by outcome; every outcome is present. */
export function countOutcomes(findings: readonly Finding[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { pass: 0, warn: 0, fail: 0, skipped: 0, unknown: 0 };
  for (const finding of findings) counts[finding.outcome] += 1;
  return counts;
}
