import { z } from 'zod';

/** What Holdfast writes into GitHub's record of a deployment, to be read by later runs. */
export const DeploymentPayload = z.object({
  /** Several projects of one repository may have an environment of the same name. */
  project: z.string(),
  release: z.string(),
  version: z.string(),
  /** JSON of the id of each machine by its name. */
  targets: z.string().prefault('{}'),
});
export type DeploymentPayload = z.infer<typeof DeploymentPayload>;
