import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { BackupId, Version } from '../../src/core/names.ts';
import { deployAlone } from '../../src/pipeline/deploy-step.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  version: Version.meta({ description: 'The version to bring live' }),
  service: z
    .string()
    .optional()
    .meta({ description: 'Deploy only this service; the others are carried over unchanged' }),
  backup: BackupId.optional().meta({
    description: 'The proven backup to fall back on; one of the last hour by default',
  }),
  'without-proof': z
    .string()
    .min(3)
    .optional()
    .meta({ description: 'Go on without a proven backup, for this reason', placeholder: 'REASON' }),
});

/** One step: makes a version live. Promote or rollback decides what becomes of it. */
export const deployAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'deploy',
  summary: 'make a version live; promote or rollback decides what becomes of it',
  group: 'One step',
  settings: 'configuration',
  inputs,
  examples: ['deploy --version v2'],
  reasons: [
    'deployed',
    'could-not-look',
    'exited',
    'never-healthy',
    'port-taken',
    'migration-failed',
    'interrupted',
    'unsafe',
  ],
  run: ({ inputs: { version, service, backup, 'without-proof': withoutProof }, settings }, platform) =>
    deployAlone({ version, service, backup, withoutProof }, settings, platform),
};
