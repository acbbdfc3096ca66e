import { describe, expect, it } from '@jest/globals';
import type { Finding, Layer, Outcome } from '../../src/core/finding.ts';
import { judge, validate } from '../../src/validate/validate.ts';
import { anObserved, aServer } from '../checks/observed.ts';

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

describe('validate', () => {
  const quick = { performance: { samples: 5 } };

  it('judges a whole service and says which layers have no checks', async () => {
    const port = await aServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end());
    const observed = await anObserved({ port, health: { path: '/health' }, validate: quick });

    const { decision, reason, summary, findings } = await validate([observed], undefined);

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

    const { decision, reason, findings } = await validate([observed], undefined);

    expect({ decision, reason }).toEqual({ decision: 'stop', reason: 'check-failed' });
    expect(findings.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check)).toEqual(['list']);
  });

  it('does not take a required layer without checks for good', async () => {
    const port = await aServer((_, response) => response.writeHead(200).end());
    const observed = await anObserved({ port, validate: { required: ['pipeline'] } });

    const { reason, findings } = await validate([observed], undefined);

    expect(reason).toBe('could-not-look');
    expect(findings.find(({ check }) => check === 'layer:pipeline')).toMatchObject({
      outcome: 'unknown',
      message: 'validate.required names the layer pipeline, which has no checks',
    });
  });
});
