import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { withAlert } from '../../src/pipeline/alerting.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { recoverEnvironment } from '../../src/recover/action.ts';

const inputs = z.strictObject({});

/** Finishes or undoes what a killed run began. */
export const recoverAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'recover',
  summary: 'finish or undo what a killed run began; safe at any time, twice',
  group: 'Release',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  reasons: ['recovered', 'nothing-to-recover', 'others-at-work', 'unsafe'],
  async run({ settings }, platform) {
    return withAlert(await recoverEnvironment(settings, platform), settings, platform);
  },
};
