import { z } from 'zod';
import { RecordedArtifact } from './recorded-artifact.ts';

/** What is decided once at the beginning of a workflow, and held against everything that follows in it. */
export const Admission = z.object({
  /** Of chance: keeps several calls within one run apart. */
  call: z.string().regex(/^[0-9a-f]{16}$/),
  /** The id that each machine is expected to have, by its name; empty before the first release. */
  targets: z.record(z.string(), z.string()),
  /** What may be deployed; null where nothing was built or named. */
  artifact: RecordedArtifact.nullable(),
});
export type Admission = z.infer<typeof Admission>;

/** One call of a workflow within one run: its jobs and steps are one owner, one after the other. */
export const WorkflowCall = z.strictObject({ repository: z.string(), id: z.int(), attempt: z.int(), call: z.string() });
export type WorkflowCall = z.infer<typeof WorkflowCall>;

interface Calling {
  readonly run: Pick<WorkflowCall, 'repository' | 'id' | 'attempt'> & { readonly job: string };
  readonly admission?: Admission | undefined;
}

/** The call that a step belongs to. Without a job that admitted it, it is the job itself. */
export function callOf(workflow: Calling | undefined): WorkflowCall | undefined {
  if (workflow === undefined) return undefined;
  const { repository, id, attempt, job } = workflow.run;
  return { repository, id, attempt, call: workflow.admission?.call ?? `job ${job}` };
}

/** True when both are of the same call: of two attempts the earlier one is over. */
export function isSameCall(one: WorkflowCall | undefined, other: WorkflowCall | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.repository === other.repository && one.id === other.id && one.call === other.call;
}
