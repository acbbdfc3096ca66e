import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action } from '../../src/core/action.ts';
import { buildAlone } from '../../src/deploy/keep-build.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  artifact: z.string().min(1).optional().meta({
    description: 'The name of an artifact that another job of this run uploaded: it is recorded, and nothing is built',
  }),
});

/** A job of its own, without secrets: what it builds is what later jobs release. */
export const buildAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'build',
  summary: 'build what services are made of and keep it for the jobs that release it',
  group: 'One step',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  reasons: ['built', 'nothing-to-build', 'named'],
  run: ({ inputs: { artifact }, settings }, platform) => buildAlone(artifact, settings, platform),
};
