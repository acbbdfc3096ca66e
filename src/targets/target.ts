import { z } from 'zod';
import { WorkflowCall } from '../core/admission.ts';
import type { Capsule } from '../core/capsule.ts';
import type { ProcessId } from '../platform/processes.ts';

/**
 * staged: its files are there. live: it is what runs. good: it ran and was promoted. bad: it failed.
 * `good` stays true of a release that is no longer live: it is what a rollback may return to.
 */
export const ReleaseState = z.enum(['staged', 'live', 'good', 'bad']);
export type ReleaseState = z.infer<typeof ReleaseState>;

/** What the target knows of one release; beside it lies its capsule. */
export const ReleaseRecord = z.strictObject({
  schema: z.literal(1),
  release: z.string(),
  version: z.string(),
  state: ReleaseState,
  createdAt: z.string(),
  changedAt: z.string(),
  /** SHA-256 of the canonical capsule. */
  capsule: z.string(),
  /** The release that was live when this one began. */
  previous: z.string().optional(),
  actor: z.string(),
  /** The call of a workflow that released it; absent for a laptop. */
  run: WorkflowCall.optional(),
  /** Why it is bad, for people. */
  failure: z.string().optional(),
});
export type ReleaseRecord = z.infer<typeof ReleaseRecord>;

export interface Instance {
  readonly process: ProcessId;
  readonly alive: boolean;
}

export interface ServiceStatus {
  readonly service: string;
  /** The release and the version that its processes were started from. */
  readonly release: string;
  readonly version: string;
  readonly instances: readonly Instance[];
  /** `http://127.0.0.1:3000` by name of the port; empty for a service without ports. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** A live release: what a rollback of the next one returns to, if it is good. */
export interface LiveRelease {
  readonly record: ReleaseRecord;
  readonly capsule: Capsule;
}
