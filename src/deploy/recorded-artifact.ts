import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { Workflow } from '../platform/workflow.ts';

/** What one job tells later ones about the artifact that is to be released: they refuse any other. */
export const RecordedArtifact = z.object({
  id: z.int().positive(),
  name: z.string().min(1),
  /** Of the whole, as GitHub tells it: `sha256:<hex>`. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** Of the packed build in it; null for an artifact that somebody else made. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** The run that made it. */
  run: z.int().positive(),
});
export type RecordedArtifact = z.infer<typeof RecordedArtifact>;

/** Reads `record.artifact` of the action build, as JSON text. Undefined for none: `null`, or nothing at all. */
export function readRecordedArtifact(text: string | undefined): RecordedArtifact | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (value === null) return undefined;
  const parsed = RecordedArtifact.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError('artifact-record', 'the input artifact is not what the action build recorded', {
    hint: 'Pass ${{ toJSON(fromJSON(needs.build.outputs.record).record.artifact) }}, with the names of your job and output.',
  });
}

/** The run of a workflow; UserError `no-workflow` where there is none. */
export function requireWorkflow({ workflow }: Pick<Platform, 'workflow'>): Workflow {
  if (workflow !== undefined) return workflow;
  throw new UserError('no-workflow', 'GitHub keeps artifacts with the run of a workflow, and this is none', {
    hint: 'Where there is a run, the step needs its input github-token. Elsewhere leave the artifact out: Holdfast builds.',
  });
}
