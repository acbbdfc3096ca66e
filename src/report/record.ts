import { z } from 'zod';
import { formatDuration } from '../core/duration.ts';
import { Decision, type Report } from '../core/report.ts';

/**
 * The members of a record that renderers know. Read leniently: a member of another shape is not known here and is shown
 * with the rest, and no record makes a renderer throw.
 */
const ReleaseName = z.object({ release: z.string().optional().catch(undefined), version: z.string() });
export type ReleaseName = z.infer<typeof ReleaseName>;

const Step = z.object({
  name: z.string(),
  decision: Decision,
  reason: z.string().catch(''),
  durationMs: z.number().nonnegative().catch(0),
  summary: z.string().optional().catch(undefined),
});
export type Step = z.infer<typeof Step>;

const Proof = z.looseObject({ verified: z.boolean(), restoreMs: z.number().nonnegative().optional().catch(undefined) });
const Backup = z.looseObject({ id: z.string(), proof: Proof.optional().catch(undefined) });
export type Backup = z.infer<typeof Backup>;

const Writes = z.object({
  source: z.string(),
  count: z.number(),
  unit: z.string().catch('writes'),
  details: z.json().optional(),
});
export type Writes = z.infer<typeof Writes>;

const Place = z.union([z.string(), ReleaseName.transform((name) => describeRelease(name))]);
const Rollback = z.object({
  from: Place.optional().catch(undefined),
  to: Place.optional().catch(undefined),
  data: z.enum(['restored', 'kept']).optional().catch(undefined),
  durationMs: z.number().nonnegative().optional().catch(undefined),
});
export type Rollback = z.infer<typeof Rollback>;

const Known = z.object({
  /** Null: the run knows that nothing is live. Undefined: the run does not tell. */
  live: ReleaseName.nullable().optional().catch(undefined),
  steps: lenientArray(Step),
  backup: Backup.optional().catch(undefined),
  writes: lenientArray(Writes),
  rollback: Rollback.optional().catch(undefined),
});

export interface KnownRecord extends z.infer<typeof Known> {
  /** Members that no section shows by name: `plan`, `wrongAnswers`, and whatever an action adds. */
  readonly others: Readonly<Record<string, Json>>;
}

export type Json = z.core.util.JSONType;

/** What a report's record tells; empty for a report without one. Never throws. */
export function readRecord(report: Report): KnownRecord {
  const record = report.record ?? {};
  const known = Known.parse(record);
  const shown = new Set(['live', 'steps', 'backup', 'writes', 'rollback'].filter((key) => isShown(key, record, known)));
  return { ...known, others: Object.fromEntries(Object.entries(record).filter(([key]) => !shown.has(key))) };
}

/** `v2 (release r-…)`. */
export function describeRelease({ version, release }: ReleaseName): string {
  return release === undefined ? version : `${version} (release ${release})`;
}

/** What a backup's proof says, as a sentence. */
export function describeProof({ proof }: Backup): string {
  if (proof === undefined) return 'Nothing tells whether it can be restored.';
  if (!proof.verified) return 'A restore of it was tried and did not match: do not rely on it.';
  const took = proof.restoreMs === undefined ? '' : ` in ${formatDuration(proof.restoreMs)}`;
  return `Restored${took} into a scratch folder and compared before anything was changed.`;
}

/** What was written since the backup, and what became of it; undefined when nothing was, or nobody counted. */
export function describeWrites({ writes, rollback }: KnownRecord): string | undefined {
  const counted = writes.filter(({ count }) => count > 0);
  if (counted.length === 0) return undefined;
  const parts = counted.map(
    ({ count, unit, source }) => `${count} ${count === 1 ? unit.replace(/s$/, '') : unit} in ${source}`,
  );
  const fate = rollback?.data === 'restored' ? '; what is live now is without them' : '';
  return `${parts.join(', ')} since the backup${fate}.`;
}

/** A step that had nothing to do: its reason says so. */
export function isSkipped(step: Step): boolean {
  return step.decision === 'proceed' && /^skipped(?:-|$)/.test(step.reason);
}

/** Reads the items that have the shape and leaves the others; the whole list is also kept when all are strange. */
function lenientArray<Item extends z.ZodType>(item: Item) {
  return z
    .array(z.unknown())
    .catch([])
    .transform((items) => items.flatMap((each) => item.safeParse(each).data ?? []));
}

function isShown(key: string, record: Readonly<Record<string, Json>>, known: z.infer<typeof Known>): boolean {
  const value = new Map<string, unknown>(Object.entries(known)).get(key);
  if (!Array.isArray(value)) return value !== undefined;
  const written = record[key];
  return Array.isArray(written) && written.length === value.length;
}
