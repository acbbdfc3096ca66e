import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { promoteAlone } from '../../src/pipeline/promote-step.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({});

/** One step: looks once more, and marks the live release good. */
export const promoteAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'promote',
  summary: 'look once more, and mark the live release good: what a rollback may return to',
  group: 'One step',
  settings: 'configuration',
  inputs,
  reasons: ['promoted', 'good-already', 'check-failed', 'could-not-look', 'live-not-good'],
  run: ({ settings }, platform) => promoteAlone({ validated: undefined }, settings, platform),
};
