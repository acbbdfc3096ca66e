import { describe, expect, it } from '@jest/globals';
import { type Alert, alertFor, firstLine } from '../../src/alert/alert.ts';
import type { Report } from '../../src/core/report.ts';

function aReport(changes: Partial<Report> = {}): Report {
  return {
    schema: 1,
    action: 'release',
    subject: { project: 'shop', environment: 'production', release: 'r-20260101T000000-0000', version: 'v3' },
    decision: 'stop',
    reason: 'rolled-back',
    summary: 'v3 failed 1 of 31 checks; v2 is live again after 1.4 s',
    findings: [],
    record: { live: { release: 'r-0', version: 'v2' } },
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:00:09.000Z',
    ...changes,
  };
}

function tell(report: Report): string | undefined {
  const alert = alertFor(report);
  return alert === undefined ? undefined : `${alert.severity}: ${firstLine(alert)}`;
}

describe('alertFor', () => {
  it.each<{ name: string; report: Report; expected: string | undefined }>([
    {
      name: 'a release',
      report: aReport({ decision: 'proceed', reason: 'released', record: { live: { version: 'v3' } } }),
      expected: 'info: shop production v3 was released; v3 is live; nobody has to do anything',
    },
    {
      name: 'a release that is live, but not good',
      report: aReport({ decision: 'proceed', reason: 'live-not-good', record: { live: { version: 'v3' } } }),
      expected:
        'medium: shop production v3 is live, but not good; v3 is live; whoever released it finds out why a check could not look, and releases again',
    },
    {
      name: 'a release that was stopped at a gate',
      report: { ...aReport({ reason: 'not-started' }), record: {} },
      expected:
        'low: shop production v3 was not released; what was live still is; whoever asked for it corrects what stopped it',
    },
    {
      name: 'an automatic rollback',
      report: aReport(),
      expected:
        'high: shop production v3 failed and was rolled back; v2 is live; whoever released it corrects what failed before the next release',
    },
    {
      name: 'the rollback of a first release',
      report: aReport({ record: { live: null } }),
      expected:
        'high: shop production v3 failed and was rolled back; nothing is live; whoever released it corrects what failed before the next release',
    },
    {
      name: 'a rollback by hand',
      report: aReport({ action: 'rollback', decision: 'proceed' }),
      expected: 'medium: shop production v3 was rolled back by hand; v2 is live; nobody has to do anything at once',
    },
    {
      name: 'a rollback that was refused',
      report: { ...aReport({ action: 'rollback', reason: 'no-role' }), record: {} },
      expected:
        'medium: shop production v3 was not rolled back; what was live still is; whoever asked for it reads why',
    },
    {
      name: 'a rollback that failed',
      report: { ...aReport({ reason: 'unsafe' }), record: {} },
      expected:
        'critical: shop production v3 failed, and so did the way back; what is live is not known; a restorer acts now: look at "holdfast status", then run "holdfast recover"',
    },
    {
      name: 'a recovery',
      report: aReport({ action: 'recover', decision: 'proceed', reason: 'recovered' }),
      expected:
        'medium: shop production v3 was left unfinished by a run that died, and was settled; v2 is live; whoever started that run reads what was done',
    },
    {
      name: 'a recovery that found nothing',
      report: aReport({ action: 'recover', decision: 'proceed', reason: 'nothing-to-recover' }),
      expected: undefined,
    },
    {
      name: 'another action',
      report: aReport({ action: 'status', decision: 'proceed', reason: 'seen' }),
      expected: undefined,
    },
  ])('of $name', ({ report, expected }) => {
    expect(tell(report)).toBe(expected);
  });

  it('carries the story, what failed and what to do about it, but not what passed', () => {
    const findings: Report['findings'] = [
      { check: 'a', layer: 'application', outcome: 'pass', severity: 'info', message: 'good' },
      {
        check: 'b',
        layer: 'application',
        outcome: 'fail',
        severity: 'high',
        message: 'GET / answers 500',
        remedy: 'Look.',
      },
    ];

    expect(alertFor(aReport({ findings }))?.details).toEqual([
      'v3 failed 1 of 31 checks; v2 is live again after 1.4 s',
      'fail b: GET / answers 500. Look.',
    ]);
  });

  it('has the same key for the same event and another for another', () => {
    const key = (report: Report) => alertFor(report)?.key;

    expect(key(aReport())).toBe(key(aReport({ finishedAt: '2026-01-02T00:00:00.000Z' })));
    expect(key(aReport())).not.toBe(key(aReport({ reason: 'unsafe' })));
  });
});

describe('firstLine', () => {
  it('is one line, whatever its parts hold', () => {
    const alert: Alert | undefined = alertFor(
      aReport({ record: { live: { version: 'v2\n::set-output\u2028x\u0007' } } }),
    );

    expect(alert === undefined ? '' : firstLine(alert)).toContain('; v2 ::set-output x is live; ');
  });
});
