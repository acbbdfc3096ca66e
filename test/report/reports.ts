import type { Finding } from '../../src/core/finding.ts';
import type { Report } from '../../src/core/report.ts';

/** Realistic reports, and a builder whose defaults are a good release. */

export function aReport(overrides: Partial<Report> = {}): Report {
  return {
    schema: 1,
    action: 'release',
    subject: {
      project: 'insurance-navigator',
      environment: 'production',
      release: 'r-20261122T101500-4f2a',
      version: 'v2',
    },
    decision: 'proceed',
    reason: 'released',
    summary: 'v2 is live in production and passed 3 of 3 checks',
    findings: [],
    startedAt: '2026-11-22T10:15:00.000Z',
    finishedAt: '2026-11-22T10:15:09.480Z',
    ...overrides,
  };
}

export function aFinding(overrides: Partial<Finding> = {}): Finding {
  return {
    check: 'login-works',
    layer: 'application',
    outcome: 'pass',
    severity: 'high',
    message: 'POST /login answered 200 with a token',
    ...overrides,
  };
}

const passing = [
  aFinding({ check: 'health-streak', layer: 'infrastructure', message: '/readyz of api was healthy 3 times in a row' }),
  aFinding({ measured: { status: 200, durationMs: 41 } }),
  aFinding({ check: 'role-rules', layer: 'security', severity: 'critical', message: 'A reader was refused with 403' }),
];

const failing = [
  aFinding({
    check: 'policies-listed',
    outcome: 'fail',
    message: 'GET /policies answered 500, expected 200: "no such column: premium"',
    remedy: 'Look at the migration of v3: it drops the column premium that the API reads',
    path: 'validate.checks.policies-listed',
    measured: { status: 500, durationMs: 18 },
  }),
  aFinding({
    check: 'role-rules',
    layer: 'security',
    severity: 'critical',
    outcome: 'fail',
    message: 'A reader could delete a policy: expected 403, got 204',
    remedy: 'Restore the role check of DELETE /policies',
    references: ['45 CFR 164.312(a)(1)', 'https://example.org/roles'],
  }),
  aFinding({
    check: 'latency-policies',
    layer: 'performance',
    severity: 'low',
    outcome: 'warn',
    message: 'The median of GET /policies is 31 ms, 1.9 times the one of the baseline',
    measured: { medianMs: 31, baselineMs: 16 },
  }),
  aFinding({
    check: 'uploads-finalise',
    layer: 'pipeline',
    severity: 'medium',
    outcome: 'unknown',
    message: 'The document could not be uploaded, so nothing is known about the pipeline',
    remedy: 'Give the probe a role that may upload',
  }),
];

const backup = { id: 'b-20261122T101501-9c01', sizeBytes: 1_482_903, proof: { verified: true, restoreMs: 640 } };

export const released = aReport({
  findings: passing,
  record: {
    live: { release: 'r-20261122T101500-4f2a', version: 'v2' },
    steps: [
      { name: 'authorize', decision: 'proceed', reason: 'allowed', durationMs: 4, summary: 'os:alice is a deployer' },
      { name: 'backup', decision: 'proceed', reason: 'proven', durationMs: 1460, summary: '2 sources, 1.4 MB' },
      { name: 'deploy', decision: 'proceed', reason: 'deployed', durationMs: 4212, summary: '2 services flipped' },
      { name: 'validate', decision: 'proceed', reason: 'passed', durationMs: 3790, summary: '3 of 3 checks passed' },
      { name: 'promote', decision: 'proceed', reason: 'promoted', durationMs: 14 },
    ],
    backup,
  },
});

export const rolledBack = aReport({
  subject: { ...released.subject, release: 'r-20261122T102000-7be1', version: 'v3' },
  decision: 'stop',
  reason: 'rolled-back',
  summary: 'v3 failed 2 of 6 checks; v2 is live again after 1.4 s',
  findings: [...passing.slice(0, 2), ...failing],
  record: {
    live: { release: 'r-20261122T101500-4f2a', version: 'v2' },
    steps: [
      { name: 'authorize', decision: 'proceed', reason: 'allowed', durationMs: 4, summary: 'os:alice is a deployer' },
      { name: 'compliance-before', decision: 'proceed', reason: 'skipped', durationMs: 0, summary: 'no frameworks' },
      { name: 'backup', decision: 'proceed', reason: 'proven', durationMs: 1460, summary: '2 sources, 1.4 MB' },
      { name: 'deploy', decision: 'proceed', reason: 'deployed', durationMs: 4212, summary: '2 services flipped' },
      {
        name: 'validate',
        decision: 'stop',
        reason: 'checks-failed',
        durationMs: 2790,
        summary: '2 of 6 checks failed',
      },
      { name: 'rollback', decision: 'proceed', reason: 'rolled-back', durationMs: 1402, summary: 'v2 answers again' },
    ],
    backup,
    rollback: {
      from: 'r-20261122T102000-7be1',
      to: 'r-20261122T101500-4f2a',
      data: 'restored',
      durationMs: 1402,
    },
    writes: [
      { source: 'policies', count: 14, unit: 'rows', details: { policies: 12, documents: 2 } },
      { source: 'uploads', count: 1, unit: 'files', details: ['uploads/claim-77.pdf'] },
    ],
    wrongAnswers: [
      { method: 'GET', path: '/policies', status: 500, count: 212 },
      { method: 'DELETE', path: '/policies/7', status: 204, count: 1 },
    ],
  },
  startedAt: '2026-11-22T10:20:00.000Z',
  finishedAt: '2026-11-22T10:20:09.868Z',
});

export const notStarted = aReport({
  subject: { ...released.subject, release: 'r-20261122T103000-11aa', version: 'v4' },
  decision: 'stop',
  reason: 'not-started',
  summary: 'v4 was not released: os:bob may not release to production',
  findings: [
    aFinding({
      check: 'access',
      layer: 'release',
      outcome: 'fail',
      message: 'os:bob has none of the roles that may release to production',
      remedy: 'Ask a deployer (user:1234, os:alice), or add os:bob to access.roles.deployer',
      path: 'access.roles.deployer',
    }),
  ],
  record: {
    live: { release: 'r-20261122T101500-4f2a', version: 'v2' },
    steps: [
      { name: 'authorize', decision: 'stop', reason: 'role-missing', durationMs: 3, summary: 'os:bob is no deployer' },
    ],
  },
  startedAt: '2026-11-22T10:30:00.000Z',
  finishedAt: '2026-11-22T10:30:00.003Z',
});

export const unsafe = aReport({
  subject: { ...released.subject, release: 'r-20261122T104000-0d0d', version: 'v5' },
  decision: 'stop',
  reason: 'unsafe',
  summary: 'v5 never became healthy and the way back to v2 failed: the data could not be restored',
  findings: [
    aFinding({
      check: 'restore-data',
      layer: 'release',
      severity: 'critical',
      outcome: 'fail',
      message: 'Restoring policies from b-20261122T101501-9c01 ended with "No space left on device"',
      remedy: 'Free 2 GB on the disk that holds the target, then run recover',
    }),
  ],
  record: {
    steps: [
      { name: 'authorize', decision: 'proceed', reason: 'allowed', durationMs: 4 },
      { name: 'backup', decision: 'proceed', reason: 'proven', durationMs: 1460 },
      { name: 'deploy', decision: 'stop', reason: 'not-healthy', durationMs: 60_212, summary: 'api was never ready' },
      { name: 'rollback', decision: 'stop', reason: 'restore-failed', durationMs: 902, summary: 'the disk is full' },
    ],
    backup,
    rollback: { from: 'r-20261122T104000-0d0d', to: 'r-20261122T101500-4f2a', durationMs: 902 },
  },
  startedAt: '2026-11-22T10:40:00.000Z',
  finishedAt: '2026-11-22T10:41:02.578Z',
});
