import { appendFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { complianceAction } from '../../actions/compliance/action.ts';
import { complianceExplain } from '../../src/compliance/explain.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { release } from '../../src/pipeline/release.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

const platform = aPlatform();
let shop: Shop;
let settings: Configuration;
let live: string;

beforeAll(async () => {
  shop = await aShop();
  const access = { roles: { deployer: [platform.identity.actor] }, freeze: [] };
  settings = { ...shop.configuration('v1'), access, compliance: { frameworks: ['hipaa', 'gdpr', 'soc2'] } };
  await expect(check()).rejects.toMatchObject({ code: 'nothing-live' });
  await shop.build('v1');
  const report = await release({ version: 'v1', service: undefined, withoutProof: undefined }, settings, platform);
  if (report.reason !== 'released') throw new Error(report.summary);
  live = report.subject.release ?? '';
});

afterAll(async () => {
  await shop.close();
});

const check = (changes: Partial<Configuration> = {}) =>
  complianceAction.run({ inputs: {}, settings: { ...settings, ...changes } }, platform);

describe('compliance check', () => {
  it('holds the live release to every framework by what it sees now', async () => {
    const report = await check();

    expect(report).toMatchObject({ decision: 'proceed', reason: 'nothing-against', subject: { version: 'v1' } });
    expect(report.findings.map(({ check: name, outcome }) => [name, outcome])).toEqual([
      ['hipaa-164.308.a.7.ii.A', 'pass'],
      ['gdpr-32.1.b', 'pass'],
      ['soc2-CC8.1', 'pass'],
    ]);
  });

  it('has nothing to say without a framework', async () => {
    expect(await check({ compliance: { frameworks: [] } })).toMatchObject({
      decision: 'proceed',
      reason: 'no-frameworks',
      findings: [],
    });
  });

  it.each([
    {
      name: 'who released it may not release',
      changes: { access: { roles: { deployer: ['os:somebody-else' as const] }, freeze: [] } },
      failing: 'soc2-CC8.1',
    },
    {
      name: 'a copy of the state can be read by others',
      harm: () => chmodAll(0o755),
      undo: () => chmodAll(0o700),
      failing: 'gdpr-32.1.b',
    },
    {
      name: 'files of the release were changed',
      harm: () => appendFile(join(shop.root, 'releases', live, 'web', 'built'), ' by somebody'),
      failing: 'soc2-CC8.1',
    },
  ])('stops when $name', async ({ changes = {}, harm, undo, failing }) => {
    await harm?.();

    const report = await check(changes);

    await undo?.();
    expect(report).toMatchObject({ decision: 'stop', reason: 'control-failed' });
    const failed = report.findings.filter(({ outcome }) => outcome === 'fail').map(({ check: name }) => name);
    expect(failed).toEqual([failing]);
  });

  it('stops when the proof of its backup is gone', async () => {
    const store = join(shop.root, '.holdfast', 'store');
    for (const name of await platform.files.list(store)) {
      if (name.endsWith('.proof.json')) await platform.files.remove(join(store, name));
    }

    const report = await check({ compliance: { frameworks: ['hipaa'] } });

    expect(report).toMatchObject({ decision: 'stop', reason: 'control-failed' });
    expect(report.findings[0]?.message).toContain('nothing proves that it restores');
  });
});

describe('compliance explain', () => {
  it('tells what a control asks for and what is not looked at', async () => {
    const report = await complianceExplain.run({ inputs: { control: 'gdpr-32.1.b' }, settings: undefined }, platform);

    expect(complianceExplain.bare?.(report)).toMatch(/^gdpr-32.1.b: .*\nSource: .*Article 32[\s\S]*Not looked at/);
  });

  it('lists the controls when there is none of that name', async () => {
    const explaining = complianceExplain.run({ inputs: { control: 'gdpr-99' }, settings: undefined }, platform);

    await expect(explaining).rejects.toMatchObject({ hint: expect.stringContaining('soc2-CC8.1') });
  });
});

async function chmodAll(mode: number): Promise<void> {
  for (const path of ['.holdfast', '.holdfast/store']) await chmod(join(shop.root, path), mode);
}
