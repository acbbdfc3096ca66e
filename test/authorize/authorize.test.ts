import { describe, expect, it } from '@jest/globals';
import { type AccessAction, accessFinding, decideAccess } from '../../src/authorize/authorize.ts';
import { AccessSettings } from '../../src/authorize/settings.ts';

const ROLES = { deployer: ['os:ada'], restorer: ['os:grace'], approver: ['user:42'] };
const MONDAY = Date.parse('2026-11-23T10:00:00Z');

function decide(actor: string, action: AccessAction, settings?: object, now = MONDAY): string {
  const access = settings === undefined ? undefined : AccessSettings.parse(settings);
  const { decision, reason, role } = decideAccess({ actor, action, access, now });
  return `${decision} ${reason}${role === undefined ? '' : ` ${role}`}`;
}

describe('decideAccess', () => {
  it.each<{ actor: string; action: AccessAction; expected: string }>([
    { actor: 'os:ada', action: 'release', expected: 'proceed allowed deployer' },
    { actor: 'os:ada', action: 'rollback', expected: 'stop no-role' },
    { actor: 'os:grace', action: 'rollback', expected: 'proceed allowed restorer' },
    { actor: 'os:grace', action: 'restore', expected: 'proceed allowed restorer' },
    { actor: 'os:grace', action: 'hold', expected: 'proceed allowed restorer' },
    { actor: 'os:grace', action: 'release', expected: 'stop no-role' },
    { actor: 'user:42', action: 'approve', expected: 'proceed allowed approver' },
    { actor: 'user:42', action: 'override', expected: 'proceed allowed approver' },
    { actor: 'os:ada', action: 'override', expected: 'stop no-role' },
    { actor: 'os:ADA', action: 'release', expected: 'stop no-role' },
    { actor: 'user:4', action: 'approve', expected: 'stop no-role' },
    { actor: 'os:eve', action: 'release', expected: 'stop no-role' },
  ])('$actor wants to $action: $expected', ({ actor, action, expected }) => {
    expect(decide(actor, action, { roles: ROLES })).toBe(expected);
  });

  it('denies by default where a policy is empty', () => {
    expect(decide('os:ada', 'release', {})).toBe('stop no-role');
  });

  it('allows with a warning where there is no policy', () => {
    const access = decideAccess({ actor: 'os:eve', action: 'release', access: undefined, now: MONDAY });

    expect(access).toMatchObject({ decision: 'proceed', reason: 'no-policy' });
    expect(accessFinding(access)).toMatchObject({ outcome: 'warn', path: 'access' });
  });

  it('says who could, and what to do', () => {
    const access = decideAccess({ actor: 'os:eve', action: 'release', access: AccessSettings.parse({}), now: MONDAY });

    expect(accessFinding(access)).toMatchObject({
      outcome: 'fail',
      message: 'os:eve may not release: that takes the role deployer',
      remedy: 'Ask somebody with the role deployer, or add os:eve to access.roles.deployer.',
    });
  });
});

describe('freeze windows', () => {
  const weekend = { days: ['fri', 'sat', 'sun'], after: '16:00', zone: 'Europe/Berlin' };
  const night = { days: ['fri'], after: '22:00', before: '06:00', zone: 'Europe/Berlin' };
  const small = { days: ['sun'], after: '02:00', before: '03:00', zone: 'Europe/Berlin' };
  const ALLOWED = 'proceed allowed deployer';
  const FROZEN = 'stop frozen deployer';

  it.each([
    { name: 'Friday 15:59 in winter', window: weekend, at: '2026-11-27T14:59:59Z', expected: ALLOWED },
    { name: 'Friday 16:00 in winter', window: weekend, at: '2026-11-27T15:00:00Z', expected: FROZEN },
    { name: 'Friday 15:59 in summer', window: weekend, at: '2026-07-24T13:59:59Z', expected: ALLOWED },
    { name: 'Friday 16:00 in summer', window: weekend, at: '2026-07-24T14:00:00Z', expected: FROZEN },
    { name: 'Saturday morning, before 16:00', window: weekend, at: '2026-11-28T08:00:00Z', expected: ALLOWED },
    { name: 'Sunday 23:59', window: weekend, at: '2026-11-29T22:59:59Z', expected: FROZEN },
    { name: 'Monday 00:00', window: weekend, at: '2026-11-29T23:00:00Z', expected: ALLOWED },
    {
      name: 'the last minute before the clocks go forward',
      window: small,
      at: '2026-03-29T00:59:59Z',
      expected: ALLOWED,
    },
    {
      name: '03:00, right after 01:59: the hour of the window does not exist',
      window: small,
      at: '2026-03-29T01:00:00Z',
      expected: ALLOWED,
    },
    { name: '02:30 for the first time', window: small, at: '2026-10-25T00:30:00Z', expected: FROZEN },
    { name: '02:30 for the second time', window: small, at: '2026-10-25T01:30:00Z', expected: FROZEN },
    { name: '03:00 after the repeated hour', window: small, at: '2026-10-25T02:00:00Z', expected: ALLOWED },
    { name: 'Friday 23:00 of a window over midnight', window: night, at: '2026-11-27T22:00:00Z', expected: FROZEN },
    { name: 'Saturday 05:59 of a window over midnight', window: night, at: '2026-11-28T04:59:00Z', expected: FROZEN },
    { name: 'Saturday 06:00 of a window over midnight', window: night, at: '2026-11-28T05:00:00Z', expected: ALLOWED },
    { name: 'Friday 05:00 of a window over midnight', window: night, at: '2026-11-27T04:00:00Z', expected: ALLOWED },
    {
      name: 'midnight is 00:00, not 24:00',
      window: { days: ['sat'], after: '00:00', before: '00:30' },
      at: '2026-11-28T00:10:00Z',
      expected: FROZEN,
    },
  ])('$name: $expected', ({ window, at, expected }) => {
    expect(decide('os:ada', 'release', { roles: ROLES, freeze: [window] }, Date.parse(at))).toBe(expected);
  });

  it('never stop the way back', () => {
    const access = { roles: ROLES, freeze: [{ days: ['mon'] }] };

    expect(decide('os:grace', 'rollback', access)).toBe('proceed allowed restorer');
    expect(decide('os:grace', 'restore', access)).toBe('proceed allowed restorer');
  });

  it('are named in the message', () => {
    const access = AccessSettings.parse({ roles: ROLES, freeze: [weekend] });
    const now = Date.parse('2026-11-27T15:00:00Z');

    expect(decideAccess({ actor: 'os:ada', action: 'release', access, now }).message).toBe(
      'no release starts on fri, sat, sun after 16:00 (Europe/Berlin)',
    );
  });
});
