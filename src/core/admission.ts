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
