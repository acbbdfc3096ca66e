import { UserError } from '../core/errors.ts';
import type { Handover } from '../core/handover.ts';
import { RecordedArtifact } from '../core/recorded-artifact.ts';
import type { Platform } from '../platform/platform.ts';
import type { Workflow } from '../platform/workflow.ts';

/** The artifact in what the action `build` handed on; undefined where it made none, or did not run. Throws UserError `inputs`. */
export function artifactIn(built: Handover | undefined): RecordedArtifact | undefined {
  const artifact = built?.record['artifact'];
  if (built === undefined || artifact === null) return undefined;
  const parsed = RecordedArtifact.safeParse(artifact);
  if (parsed.success) return parsed.data;
  throw new UserError('inputs', 'built: this is not what the action `build` handed on', {
    hint: 'Pass it as it is: ${{ needs.build.outputs.build }}, with the names of your job and output.',
  });
}

/** The run of a workflow; UserError `no-workflow` where there is none. */
export function requireWorkflow({ workflow }: Pick<Platform, 'workflow'>): Workflow {
  if (workflow !== undefined) return workflow;
  throw new UserError('no-workflow', 'GitHub keeps artifacts with the run of a workflow, and this is none', {
    hint: 'Where there is a run, the step needs its input github-token. Elsewhere leave the artifact out: Holdfast builds.',
  });
}
