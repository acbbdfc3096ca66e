import { afterEach, describe, expect, it } from '@jest/globals';
import { authorizeAction } from '../../src/authorize/command.ts';
import type { AccessSettings } from '../../src/authorize/settings.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

const identity = { ...aPlatform().identity, user: 'alice', actor: 'os:alice' };
// A Sunday.
const platform = aPlatform({ identity, clock: { ...aPlatform().clock, now: () => Date.UTC(2026, 10, 22, 12) } });
let shop: Shop;

afterEach(async () => {
  await shop.close();
});

describe('authorize', () => {
  it.each<{ name: string; access: AccessSettings | undefined; decision: string; reason: string }>([
    { name: 'everybody without a policy', access: undefined, decision: 'proceed', reason: 'no-policy' },
    {
      name: 'who has the role',
      access: { roles: { deployer: ['os:alice'] }, freeze: [] },
      decision: 'proceed',
      reason: 'allowed',
    },
    {
      name: 'nobody who has another role',
      access: { roles: { restorer: ['os:alice'] }, freeze: [] },
      decision: 'stop',
      reason: 'no-role',
    },
    {
      name: 'nobody while releases are frozen',
      access: { roles: { deployer: ['os:alice'] }, freeze: [{ days: ['sun'], after: '00:00', zone: 'UTC' }] },
      decision: 'stop',
      reason: 'frozen',
    },
  ])('lets in $name', async ({ access, decision, reason }) => {
    shop = await aShop();

    const report = await authorizeAction.run(
      { inputs: {}, settings: { ...shop.configuration('v1'), access } },
      platform,
    );

    expect(report).toMatchObject({ decision, reason, record: { actor: 'os:alice' } });
    expect(report.findings).toHaveLength(1);
  });
});
