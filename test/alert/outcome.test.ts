import { describe, expect, it } from '@jest/globals';
import { type Needs, outcomeOf } from '../../src/alert/outcome.ts';
import type { Handover, JobNeeded } from '../../src/core/handover.ts';

const subject = { project: 'shop', environment: 'production' };
const V1 = { release: 'r-1', version: 'v1' };
const V2 = { release: 'r-2', version: 'v2' };

function step(action: string, reason: string, changes: Partial<Handover> = {}): string {
  return JSON.stringify({ action, subject, decision: 'proceed', reason, summary: `${action} ${reason}`, ...changes });
}

const stopping = (action: string, reason: string, changes: Partial<Handover> = {}) =>
  step(action, reason, { decision: 'stop', ...changes });

function job(result: string, outputs: Readonly<Record<string, string>> = {}): JobNeeded {
  return { result, outputs };
}

const build = job('success', { build: step('build', 'built') });
const admit = job('success', {
  authorize: step('authorize', 'allowed'),
  compliance: step('compliance check', 'no-frameworks'),
});
const backup = step('backup', 'proven');
const deployed = step('deploy', 'deployed', { subject: { ...subject, ...V2 } });
const skipped = job('skipped');
const live = (what: object | null, own?: string) => ({ record: { live: what, ...(own === undefined ? {} : { own }) } });

const RELEASE_CASES: { name: string; needs: Needs; reason: string; summary: string; live?: object | null }[] = [
  {
    name: 'a good release',
    needs: {
      build,
      admit,
      release: job('success', {
        backup,
        deploy: deployed,
        validate: step('validate', 'validated'),
        promote: step('promote', 'promoted', live(V2)),
        rollback: step('rollback', 'nothing-to-undo', live(V2)),
      }),
      recover: skipped,
    },
    reason: 'released',
    summary: 'promote promoted',
    live: V2,
  },
  {
    name: 'one that is live and could not be looked at',
    needs: {
      admit,
      release: job('success', { promote: step('promote', 'live-not-good', live(V2)) }),
      recover: skipped,
    },
    reason: 'live-not-good',
    summary: 'live-not-good',
    live: V2,
  },
  {
    name: 'one that nobody may start',
    needs: {
      build,
      admit: job('failure', { authorize: stopping('authorize', 'no-role') }),
      release: skipped,
      recover: skipped,
    },
    reason: 'not-started',
    summary: 'authorize no-role',
  },
  {
    name: 'a build that ran out of time',
    needs: { build: job('cancelled'), admit: skipped, release: skipped, recover: skipped },
    reason: 'not-started',
    summary: 'the job build was cancelled or ran out of time',
  },
  {
    name: 'a configuration that cannot be read',
    needs: { build: job('failure'), admit: skipped, release: skipped, recover: skipped },
    reason: 'not-started',
    summary: 'the job build failed or died without a word',
  },
  {
    name: 'a run that was cancelled at once',
    needs: { build: skipped, admit: skipped, release: skipped, recover: skipped },
    reason: 'not-started',
    summary: 'the run was cancelled',
  },
  {
    name: 'an environment that is held',
    needs: {
      admit,
      release: job('failure', {
        backup: stopping('backup', 'environment-held'),
        rollback: step('rollback', 'nothing-to-undo', live(V1, 'nothing')),
      }),
      recover: job('success', { recover: step('recover', 'nothing-to-recover', live(V1)) }),
    },
    reason: 'not-started',
    summary: 'environment-held',
    live: V1,
  },
  {
    name: 'a check that failed',
    needs: {
      admit,
      release: job('failure', {
        backup,
        deploy: deployed,
        validate: stopping('validate', 'check-failed'),
        rollback: step('rollback', 'rolled-back', live(V1)),
      }),
      recover: job('success', { recover: step('recover', 'nothing-to-recover', live(V1)) }),
    },
    reason: 'rolled-back',
    summary: 'v2 failed (validate check-failed); rollback rolled-back',
    live: V1,
  },
  {
    name: 'a step that ran out of time before it said anything',
    needs: {
      admit,
      release: job('failure', { backup, rollback: step('rollback', 'rolled-back', live(V1)) }),
      recover: job('success', { recover: step('recover', 'nothing-to-recover', live(V1)) }),
    },
    reason: 'rolled-back',
    summary: 'the job release failed or died without a word',
    live: V1,
  },
  {
    name: 'a machine that died in the middle, undone by recover',
    needs: {
      admit,
      release: job('cancelled'),
      recover: job('success', { recover: step('recover', 'recovered', { record: { live: V1, own: 'undone' } }) }),
    },
    reason: 'rolled-back',
    summary: 'the job release was cancelled or ran out of time',
    live: V1,
  },
  {
    name: 'a machine that died just behind the promotion',
    needs: {
      admit,
      release: job('failure'),
      recover: job('success', {
        recover: step('recover', 'recovered', { record: { live: V2, own: 'good' } }),
      }),
    },
    reason: 'released',
    summary: 'v2 is live and good, but the job release failed',
    live: V2,
  },
  {
    name: 'a machine that died when all was done',
    needs: {
      admit,
      release: job('failure'),
      recover: job('success', {
        recover: step('recover', 'nothing-to-recover', { record: { live: V2, own: 'good' } }),
      }),
    },
    reason: 'released',
    summary: 'v2 is live and good, but',
    live: V2,
  },
  {
    name: 'a machine that died before anything was changed, where the same version was live already',
    needs: {
      admit,
      release: job('failure'),
      recover: job('success', {
        recover: step('recover', 'nothing-to-recover', { record: { live: V2, own: 'nothing' } }),
      }),
    },
    reason: 'not-started',
    summary: 'v2 was not released',
    live: V2,
  },
  {
    name: 'a machine that died when what was live could not be looked at',
    needs: {
      admit,
      release: job('failure'),
      recover: job('success', {
        recover: step('recover', 'nothing-to-recover', { record: { live: V2, own: 'live-not-good' } }),
      }),
    },
    reason: 'live-not-good',
    summary: 'v2 is live, but',
    live: V2,
  },
  {
    name: 'a run that was cancelled while it waited for its approval',
    needs: {
      admit,
      release: job('cancelled'),
      recover: job('success', { recover: step('recover', 'nothing-to-recover', live(V1, 'nothing')) }),
    },
    reason: 'not-started',
    summary: 'was cancelled or ran out of time',
    live: V1,
  },
  {
    name: 'a way back that broke, and was finished by recover',
    needs: {
      admit,
      release: job('failure', { backup, deploy: deployed, rollback: stopping('rollback', 'unsafe') }),
      recover: job('success', { recover: step('recover', 'recovered', { record: { live: V1, own: 'undone' } }) }),
    },
    reason: 'rolled-back',
    summary: 'rollback unsafe',
    live: V1,
  },
  {
    name: 'a way back that broke for good',
    needs: {
      admit,
      release: job('failure', { backup, deploy: deployed, rollback: stopping('rollback', 'unsafe') }),
      recover: job('failure', { recover: stopping('recover', 'unsafe') }),
    },
    reason: 'unsafe',
    summary: 'A person is needed',
  },
  {
    name: 'a rollback by hand that took over and was done when recover came',
    needs: {
      admit,
      release: job('failure', {
        backup,
        deploy: deployed,
        validate: stopping('validate', 'lease-lost'),
        rollback: step('rollback', 'nothing-to-undo', live(V1, 'open')),
      }),
      recover: job('success', { recover: step('recover', 'nothing-to-recover', live(V1, 'undone')) }),
    },
    reason: 'rolled-back',
    summary: 'v2 failed (validate lease-lost',
    live: V1,
  },
  {
    name: 'a promotion whose last write failed, finished by the last step',
    needs: {
      admit,
      release: job('failure', {
        backup,
        deploy: deployed,
        promote: stopping('promote', 'disk-full'),
        rollback: step('rollback', 'nothing-to-undo', live(V2, 'good')),
      }),
      recover: job('success', { recover: step('recover', 'nothing-to-recover', live(V2, 'good')) }),
    },
    reason: 'released',
    summary: 'v2 is live and good, but promote disk-full',
    live: V2,
  },
  {
    name: 'an earlier run that could not be settled, found by the first step',
    needs: {
      admit,
      release: job('failure', { backup: stopping('backup', 'unsafe'), rollback: stopping('rollback', 'unsafe') }),
      recover: job('failure', { recover: stopping('recover', 'unsafe') }),
    },
    reason: 'unsafe',
    summary: 'A person is needed',
  },
  {
    name: 'a server that nobody reaches',
    needs: {
      admit,
      release: job('failure', {
        backup: stopping('backup', 'host-unreachable'),
        rollback: stopping('rollback', 'host-unreachable'),
      }),
      recover: job('failure', { recover: stopping('recover', 'host-unreachable') }),
    },
    reason: 'not-started',
    summary: 'nothing was changed',
  },
  {
    name: 'two machines that died',
    needs: { admit, release: job('cancelled'), recover: job('cancelled') },
    reason: 'unsafe',
    summary: 'the job recover was cancelled or ran out of time',
  },
  {
    name: 'a rollback by hand that took over',
    needs: {
      admit,
      release: job('failure', {
        backup,
        deploy: deployed,
        validate: stopping('validate', 'lease-lost'),
        rollback: step('rollback', 'nothing-to-undo', live(V1, 'open')),
      }),
      recover: job('success', { recover: step('recover', 'others-at-work', { record: { own: 'open' } }) }),
    },
    reason: 'rolled-back',
    summary: 'v2 was broken off',
    live: V1,
  },
];

describe('what became of a release', () => {
  it.each(RELEASE_CASES)('$name', ({ needs, reason, summary, live: expected }) => {
    const outcome = outcomeOf(needs, 'v2');

    expect(outcome).toMatchObject({ action: 'release', reason, version: 'v2' });
    expect(outcome.summary).toContain(summary);
    expect(outcome.live).toEqual(expected);
    expect(outcome.decision).toBe(['released', 'live-not-good'].includes(reason) ? 'proceed' : 'stop');
  });

  it.each(RELEASE_CASES)('$name, whatever the order in which it is told', ({ needs, reason, live: expected }) => {
    const turned = (object: object) => Object.fromEntries(Object.entries(object).reverse());
    const jobs = Object.entries(needs).map(([name, { result, outputs }]) => [
      name,
      { result, outputs: turned(outputs) },
    ]);

    const outcome = outcomeOf(turned(Object.fromEntries(jobs)), 'v2');

    expect(outcome.reason).toBe(reason);
    expect(outcome.live).toEqual(expected);
  });

  it('names each result that GitHub can give of each job without falling through', () => {
    const results = ['success', 'failure', 'cancelled', 'skipped', '', 'something new'];

    for (const release of results) {
      for (const recover of results) {
        const { reason } = outcomeOf({ admit, release: job(release), recover: job(recover) }, 'v2');
        expect(reason).toBe(release === 'skipped' ? 'not-started' : 'unsafe');
      }
    }
  });

  it('lists the steps of all jobs in their order, and a finding for each that stopped or fell silent', () => {
    const { steps, findings } = outcomeOf(
      {
        admit,
        release: job('failure', { backup, validate: stopping('validate', 'check-failed') }),
        recover: job('cancelled'),
      },
      'v2',
    );

    expect(steps.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
      'authorize allowed',
      'compliance no-frameworks',
      'backup proven',
      'validate check-failed',
    ]);
    expect(findings.map(({ check }) => check)).toEqual(['validate', 'job:recover']);
  });
});

describe('what became of a rollback by hand', () => {
  it.each([
    ['went back', job('success', { rollback: step('rollback', 'rolled-back', live(V1)) }), 'proceed', 'rolled-back'],
    [
      'found no way',
      job('failure', { rollback: stopping('rollback', 'nothing-to-roll-back') }),
      'stop',
      'nothing-to-roll-back',
    ],
    ['broke', job('failure', { rollback: stopping('rollback', 'unsafe') }), 'stop', 'unsafe'],
    ['died', job('cancelled'), 'stop', 'unsafe'],
  ])('that %s', (_, rollback, decision, reason) => {
    expect(outcomeOf({ admit, rollback }, undefined)).toMatchObject({ action: 'rollback', decision, reason });
  });

  it('that was not admitted changed nothing', () => {
    const refused = job('failure', { authorize: stopping('authorize', 'no-role') });

    const outcome = outcomeOf({ admit: refused, rollback: skipped }, undefined);

    expect(outcome).toMatchObject({
      decision: 'stop',
      reason: 'no-role',
      summary: 'nothing was changed: authorize no-role',
    });
  });
});
