import { describe, expect, it } from '@jest/globals';
import { sealBaseline } from '../../src/checks/baseline.ts';
import type { Finding, Layer, Outcome } from '../../src/core/finding.ts';
import type { FoundBaseline } from '../../src/environment/found-baseline.ts';
import { judge, judgeBaseline, validate } from '../../src/validate/validate.ts';
import { anObserved, aServer } from '../checks/observed.ts';

const NONE: FoundBaseline = { status: 'missing', environment: 'local', isOwn: true };

function aFinding(layer: Layer, outcome: Outcome): Finding {
  return { check: `${layer}-check`, layer, outcome, severity: 'high', message: 'seen' };
}

describe('judge', () => {
  it.each<{ name: string; findings: Finding[]; required?: Layer[]; expected: string }>([
    { name: 'nothing but passes', findings: [aFinding('application', 'pass')], expected: 'proceed validated' },
    { name: 'a warning', findings: [aFinding('application', 'warn')], expected: 'proceed validated' },
    { name: 'what was skipped', findings: [aFinding('cache', 'skipped')], expected: 'proceed validated' },
    {
      name: 'a failure',
      findings: [aFinding('application', 'pass'), aFinding('application', 'fail')],
      expected: 'stop check-failed',
    },
    { name: 'a failure of performance', findings: [aFinding('performance', 'fail')], expected: 'stop check-failed' },
    {
      name: 'a failure in a layer that is not required',
      findings: [aFinding('application', 'fail')],
      required: ['security'],
      expected: 'stop check-failed',
    },
    { name: 'a blind spot', findings: [aFinding('security', 'unknown')], expected: 'stop could-not-look' },
    {
      name: 'a blind spot of performance',
      findings: [aFinding('performance', 'unknown')],
      expected: 'proceed live-not-good',
    },
    {
      name: 'a blind spot of performance where it is required',
      findings: [aFinding('performance', 'unknown')],
      required: ['performance'],
      expected: 'stop could-not-look',
    },
    {
      name: 'a blind spot in a layer that is not required',
      findings: [aFinding('application', 'unknown')],
      required: ['security'],
      expected: 'proceed live-not-good',
    },
    {
      name: 'a failure beside a blind spot',
      findings: [aFinding('security', 'unknown'), aFinding('application', 'fail')],
      expected: 'stop check-failed',
    },
  ])('of $name says $expected', ({ findings, required, expected }) => {
    const { decision, reason } = judge(findings, required);

    expect(`${decision} ${reason}`).toBe(expected);
  });
});

describe('judgeBaseline', () => {
  const of = { environment: 'staging' };
  const baseline = sealBaseline({
    ...{ schema: 1, environment: 'staging', release: 'r-1', version: 'v1', recordedAt: '2026-11-22T10:00:00.000Z' },
    checks: {},
  });

  it.each<{ name: string; found: FoundBaseline; outcome: Outcome; expected: string; message: RegExp }>([
    {
      name: 'the one of its last promotion',
      found: { status: 'found', where: 'target', baseline },
      ...{
        outcome: 'pass',
        expected: 'proceed validated',
        message: /^compared with v1 in staging, recorded at [^ ]+$/,
      },
    },
    {
      name: 'a reviewed file',
      found: { status: 'found', where: 'file', baseline },
      ...{ outcome: 'pass', expected: 'proceed validated', message: /\(the reviewed file\)$/ },
    },
    {
      name: 'what a run kept',
      found: { status: 'found', where: 'artifact', run: 12, baseline },
      ...{ outcome: 'pass', expected: 'proceed validated', message: /\(the artifact of the run 12\)$/ },
    },
    {
      name: 'none of its own yet',
      found: NONE,
      ...{
        outcome: 'skipped',
        expected: 'proceed validated',
        message: /^there is no baseline yet, so .* with nothing$/,
      },
    },
    {
      name: 'none of another environment',
      found: { status: 'missing', ...of, isOwn: false },
      ...{ outcome: 'warn', expected: 'proceed validated', message: /^there is no baseline of staging, so/ },
    },
    {
      name: 'one that has expired',
      found: { status: 'expired', ...of, run: 12 },
      ...{ outcome: 'warn', expected: 'proceed validated', message: /staging that the run 12 kept has expired, so/ },
    },
    {
      name: 'one that cannot be trusted',
      found: { status: 'refused', ...of, why: 'it was changed' },
      ...{ outcome: 'unknown', expected: 'stop could-not-look', message: /staging is not taken: it was changed, so/ },
    },
  ])('of $name says $outcome: $expected', ({ found, outcome, expected, message }) => {
    const { decision, reason, findings } = judgeBaseline(found);

    expect(`${decision} ${reason}`).toBe(expected);
    expect(findings).toEqual([
      expect.objectContaining({ check: 'baseline', outcome, message: expect.stringMatching(message) }),
    ]);
  });

  it('tells what to do about one that is missing, expired or refused, each in words of its own', () => {
    const told = [
      judgeBaseline({ status: 'missing', ...of, isOwn: false }),
      judgeBaseline({ status: 'expired', ...of, run: 12 }),
      judgeBaseline({ status: 'refused', ...of, why: 'it was changed' }),
    ].map(({ findings }) => findings[0]);

    expect(new Set(told.map((finding) => finding?.remedy)).size).toBe(3);
    for (const finding of told) {
      expect(finding?.path).toBe('validate.baseline.from');
      expect(finding?.remedy).toContain('record-baseline');
    }
  });
});

describe('validate', () => {
  const quick = { performance: { samples: 5 } };

  it('judges a whole service and says which layers have no checks', async () => {
    const port = await aServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end());
    const observed = await anObserved({ port, health: { path: '/health' }, validate: quick });

    const { decision, reason, summary, findings } = await validate([observed], NONE);

    expect({ decision, reason }).toEqual({ decision: 'proceed', reason: 'validated' });
    expect(summary).toBe('all 7 checks passed');
    expect(findings.filter(({ outcome }) => outcome === 'skipped').map(({ check }) => check)).toEqual([
      'no-secret-in-answers:api',
      'baseline',
      'layer:pipeline',
      'layer:database',
      'layer:cache',
    ]);
  });

  it('stops when an endpoint breaks', async () => {
    const port = await aServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end());
    const checks = { list: { kind: 'http', path: '/list' } };
    const observed = await anObserved({ port, health: { path: '/health' }, validate: { ...quick, checks } });

    const { decision, reason, findings } = await validate([observed], NONE);

    expect({ decision, reason }).toEqual({ decision: 'stop', reason: 'check-failed' });
    expect(findings.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check)).toEqual(['list']);
  });

  it('does not take a required layer without checks for good', async () => {
    const port = await aServer((_, response) => response.writeHead(200).end());
    const observed = await anObserved({ port, validate: { required: ['pipeline'] } });

    const { reason, findings } = await validate([observed], NONE);

    expect(reason).toBe('could-not-look');
    expect(findings.find(({ check }) => check === 'layer:pipeline')).toMatchObject({
      outcome: 'unknown',
      message: 'validate.required names the layer pipeline, which has no checks',
    });
  });
});
