import { z } from 'zod';
import { backupCreate } from '../../src/backup/create.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { backupForRelease } from '../../src/pipeline/backup-step.ts';
import { leaseInput } from '../../src/pipeline/step.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  'without-proof': z
    .string()
    .min(3)
    .optional()
    .meta({ description: 'Go on without a proven backup, for this reason (role approver); needs lease: keep' }),
  lease: leaseInput,
});

/** A copy of all state whose restore is proven: by itself, or as a step of a job that releases. */
export const backupStep: Action<typeof inputs, Configuration, Platform> = {
  ...backupCreate,
  inputs,
  reasons: [...backupCreate.reasons, 'without-proof', 'no-role', 'unsafe'],
  run: ({ inputs: { lease, 'without-proof': withoutProof }, settings }, platform) =>
    lease === 'keep'
      ? backupForRelease(withoutProof, settings, platform)
      : backupCreate.run({ inputs: {}, settings }, platform),
};
