import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { Version } from '../../src/core/names.ts';
import { RELEASE_REASONS } from '../../src/core/report.ts';
import { withAlert } from '../../src/pipeline/alerting.ts';
import { release } from '../../src/pipeline/release.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  version: Version.meta({ description: 'The version to bring live' }),
  service: z
    .string()
    .optional()
    .meta({ description: 'Release only this service; the others are carried over unchanged' }),
  'without-proof': z
    .string()
    .min(3)
    .optional()
    .meta({ description: 'Go on without a proven backup, for this reason (role approver)', placeholder: 'REASON' }),
});

/** The whole chain in one process, with the rollback at once. */
export const releaseAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'release',
  summary: 'bring a version live through every gate, and go back by itself when one says stop',
  group: 'Release',
  settings: 'configuration',
  inputs,
  examples: ['release --environment production --version v2'],
  reasons: RELEASE_REASONS,
  async run({ inputs: { version, service, 'without-proof': withoutProof }, settings }, platform) {
    const report = await release({ version, service, withoutProof }, settings, platform);
    return withAlert(report, settings, platform);
  },
};
