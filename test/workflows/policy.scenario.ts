import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, answerOf, aPlatformOnGithub, filledIn, MALLORY, type PlatformOnGithub, resultsOf } from './platform.ts';

const NOT_ADMITTED = { build: 'success', admit: 'failure', release: 'skipped', recover: 'skipped', report: 'success' };

/** Ways in which a ref may try to be released under other rules than those of the default branch. */
const WEAKENED = [
  {
    name: 'by naming itself a deployer',
    change: (text: string) => text.replace(`deployer: ['user:${ALICE.id}']`, `deployer: ['user:${MALLORY.id}']`),
  },
  { name: 'by dropping access', change: (text: string) => text.replace(/^access:\n.*\n/m, '') },
  {
    name: 'in an overlay',
    change: (text: string) => text.replace('  production:\n', '  production:\n    access: null\n'),
  },
];

describe('policy', () => {
  let platform: PlatformOnGithub;
  let good: string;
  beforeAll(async () => {
    platform = await aPlatformOnGithub({
      '.github/workflows/weak.yml': filledIn('release.yml').replace(
        '      version:',
        '      set: access.roles.deployer=[]\n      version:',
      ),
    });
    good = (await platform.push()).version;
  }, 300_000);
  afterAll(() => platform?.close());

  it.each(WEAKENED)(
    'that a ref weakens $name holds as the default branch has it',
    async ({ change }) => {
      const weak = change(platform.configuration);
      expect(weak).not.toBe(platform.configuration);
      platform.caller.commit({ 'holdfast.yml': weak }, 'weak');

      const run = await platform.run('release', { branch: 'weak', actor: MALLORY });

      expect(resultsOf(run)).toEqual(NOT_ADMITTED);
      expect(run.jobs['release.yml']?.['admit']?.outputs['authorize']).toContain('"reason":"no-role"');
      expect(run.log).toContain('access is policy and holds as main has it');
      expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started' });
      expect(await platform.version()).toBe(good);
    },
    300_000,
  );

  it('protects state: what a ref drops is copied all the same', async () => {
    const dropped = platform.configuration.replace(/^state:\n(?: {2}.*\n)+/m, '');
    expect(dropped).not.toBe(platform.configuration);
    platform.caller.commit({ 'holdfast.yml': dropped }, 'dropping');

    const run = await platform.run('release', { branch: 'dropping', actor: ALICE });

    expect(answerOf(run)).toMatchObject({ reason: 'released' });
    expect(run.jobs['release.yml']?.['release']?.outputs['backup']).toContain('"reason":"proven"');
    expect(run.log).toContain('state.policies is policy');
    good = await platform.version();
  }, 300_000);

  it('cannot be set by an input of the workflow', async () => {
    const run = await platform.run('weak', { actor: ALICE });

    expect(resultsOf(run)).toMatchObject({ build: 'failure', admit: 'skipped', release: 'skipped', report: 'success' });
    expect(run.log).toContain('access is policy and cannot be overridden for production');
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(await platform.version()).toBe(good);
  }, 300_000);
});
