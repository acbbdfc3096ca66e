import { z } from 'zod';
import { COMPLIANCE_REASONS } from '../../src/compliance/assess.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { checkCompliance } from '../../src/pipeline/compliance.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({});

/** Holds the live release to the configured frameworks. */
export const complianceAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'compliance check',
  alsoCalled: 'compliance',
  summary: 'hold the live release to the configured frameworks, by what can be observed now; writes nothing',
  group: 'One step',
  settings: 'configuration',
  inputs,
  reasons: COMPLIANCE_REASONS,
  run: ({ settings }, platform) => checkCompliance(settings, platform),
};
