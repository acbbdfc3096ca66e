import { z } from 'zod';

/** An artifact of a run, as its record travels from job to job. `digest` is `sha256:<hex>` of the whole. */
export const AdmittedArtifact = z.strictObject({
  id: z.int(),
  name: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  run: z.int(),
  /** Of the one file in it, where the action `build` made it. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
export type AdmittedArtifact = z.infer<typeof AdmittedArtifact>;

/** What is decided once at the beginning of a workflow, and held against everything that follows in it. */
export const Admission = z.object({
  /** Of chance: keeps several calls within one run apart. */
  call: z.string().regex(/^[0-9a-f]{16}$/),
  /** The id that each machine is expected to have, by its name; empty before the first release. */
  targets: z.record(z.string(), z.string()),
  /** What may be deployed; null where nothing was built or named. */
  artifact: AdmittedArtifact.nullable(),
});
export type Admission = z.infer<typeof Admission>;
