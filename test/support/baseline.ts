import { type Baseline, sealBaseline } from '../../src/checks/baseline.ts';

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
