import type { Alert } from '../../src/alert/alert.ts';

/** A release that failed and was rolled back. */
export const ALERT: Alert = {
  key: 'shop/production/release/r-1/rolled-back',
  severity: 'high',
  project: 'shop',
  environment: 'production',
  version: 'v3',
  reason: 'rolled-back',
  happened: 'failed and was rolled back',
  live: 'v2 is live',
  todo: 'whoever released it corrects it',
  details: ['v3 failed'],
  at: '2026-01-01T00:00:00.000Z',
};
