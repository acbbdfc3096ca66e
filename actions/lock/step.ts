import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { lockHold, lockRelease, lockStatus } from '../../src/pipeline/lock.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  do: z.enum(['status', 'hold', 'release']).prefault('status').meta({
    description:
      'status: who may change the environment. hold: keep releases out. release: free a hold, also the one that a rollback leaves',
  }),
  reason: z.string().max(500).optional().meta({ description: 'Why it is held, for whoever meets the hold' }),
});

/** The lease of an environment: looked at, held, freed. */
export const lockStep: Action<typeof inputs, Configuration, Platform> = {
  ...lockStatus,
  name: 'lock',
  summary: 'look at the lease of an environment, hold it, or free it',
  inputs,
  reasons: [...new Set([...lockStatus.reasons, ...lockHold.reasons, ...lockRelease.reasons])],
  run({ inputs: { do: what, reason }, settings }, platform) {
    switch (what) {
      case 'status':
        return lockStatus.run({ inputs: {}, settings }, platform);
      case 'hold':
        return lockHold.run({ inputs: { reason }, settings }, platform);
      case 'release':
        return lockRelease.run({ inputs: {}, settings }, platform);
    }
  },
};
