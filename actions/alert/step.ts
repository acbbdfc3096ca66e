import { z } from 'zod';
import type { ReadableConfiguration } from '../../src/config/readable.ts';
import type { Action } from '../../src/core/action.ts';
import { readNeeds } from '../../src/core/handover.ts';
import { Version } from '../../src/core/names.ts';
import { RELEASE_REASONS } from '../../src/core/report.ts';
import { ROLLBACK_REASONS } from '../../src/pipeline/rollback.ts';
import { tellOutcome } from '../../src/pipeline/tell-outcome.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  needs: z
    .string()
    .meta({ description: 'toJSON(needs) of a job that needs all others', placeholder: '${{ toJSON(needs) }}' }),
  version: Version.optional().meta({ description: 'The version that was to be released' }),
});

/** What became of a whole workflow, told to people. Its decision is about the others: it fails only when nobody was reached. */
export const alertStep: Action<typeof inputs, ReadableConfiguration, Platform> = {
  name: 'alert',
  summary: 'say what became of a workflow, by the results of all its jobs, and tell people',
  group: 'One step',
  settings: 'readable',
  withoutSecrets: true,
  inputs,
  reasons: [...new Set([...RELEASE_REASONS, ...ROLLBACK_REASONS])],
  run: ({ inputs: { needs, version }, settings }, platform) =>
    tellOutcome(readNeeds(needs, 'needs'), version, settings, platform),
  keepsReport: true,
  fails: ({ record, reason }) => record?.['untold'] === true || reason === 'bug',
};
