import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { answer } from '../environment/answer.ts';
import { findBaseline } from '../environment/baselines.ts';
import { observeAll } from '../environment/observe.ts';
import { requireLive } from '../environment/releases.ts';
import type { Platform } from '../platform/platform.ts';
import { VALIDATE_REASONS, validate } from './validate.ts';

const inputs = z.strictObject({});

/** Checks the live release as a release would; writes nothing and decides about nothing. */
export const validateAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'validate',
  summary: 'check the live release, layer by layer, against the baseline; writes nothing',
  group: 'One step',
  settings: 'configuration',
  inputs,
  reasons: VALIDATE_REASONS,
  run: ({ settings }, platform) =>
    answer('validate', settings, platform, { create: false }, async (environment) => {
      const live = await requireLive(environment);
      const observed = await observeAll(environment);
      const { decision, reason, summary, findings } = await validate(
        observed,
        await findBaseline(environment),
        platform.log,
      );
      return { decision, reason, summary: `${live.record.version}: ${summary}`, findings };
    }),
};
