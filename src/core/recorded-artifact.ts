import { z } from 'zod';

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
