import { type Baseline, sealBaseline } from '../../src/checks/baseline.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { loadConfiguration } from '../../src/config/load.ts';

/** A baseline of staging with one check; the test states only what matters. */
export function aBaseline(changes: Partial<Omit<Baseline, 'id' | 'schema'>> = {}): Baseline {
  return sealBaseline({
    schema: 1,
    environment: 'staging',
    release: 'r-20261122T100000-abcd',
    version: 'v1',
    recordedAt: '2026-11-22T10:00:00.000Z',
    checks: { list: { status: 200, contentType: 'application/json' } },
    ...changes,
  });
}

const CONFIGURATION = `version: 1
project: shop
services:
  web: { artifact: ./build, run: { command: [node, server.js], port: 3000 } }
environments:
  staging: { target: { kind: directory, path: ./staging } }
  production:
    target: { kind: directory, path: ./production }
    validate: { baseline: { from: staging } }
`;

/** One environment of a shop in a folder, whose production is compared with its staging. */
export function shopComparedWithStaging(directory: string, environment: string): Configuration {
  const loaded = loadConfiguration({
    ...{ bytes: Buffer.from(CONFIGURATION), file: 'holdfast.yml', directory, environment },
    ...{ secrets: {}, variables: {}, overrides: [] },
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.configuration;
}
