import { z } from 'zod';
import { Name, Version } from './names.ts';

/** One service as it was released. */
export const CapsuleService = z.strictObject({
  /** The release whose folder holds its files: this one, or an earlier one when the service was carried over unchanged. */
  release: z.string(),
  version: Version,
  /** SHA-256 over its files: paths, modes, link targets, contents. */
  artifact: z.string(),
  /**
   * Its settings after substitution. A value that holds a secret is `{ secret: [names], hmac }`: the names, and an HMAC of
   * the value under a random key of the target, because a plain hash can be guessed.
   */
  settings: z.json(),
});
export type CapsuleService = z.infer<typeof CapsuleService>;

/** Everything that a release is made of. A rollback returns to a capsule. */
export const Capsule = z.strictObject({
  schema: z.literal(1),
  release: z.string(),
  version: Version,
  project: z.string(),
  environment: z.string(),
  services: z.record(Name, CapsuleService),
  /** Structure of each state source before this release changed anything, by name; null where the kind has none. */
  fingerprints: z.record(Name, z.string().nullable()),
  backup: z.string().optional(),
  baseline: z.string().optional(),
});
export type Capsule = z.infer<typeof Capsule>;
