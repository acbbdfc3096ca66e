import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEnvironment } from '../../src/environment/environment.ts';
import { release } from '../../src/pipeline/release.ts';
import { rollback } from '../../src/pipeline/rollback.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';
import { aRun, aWorkflow, type FakeWorkflow } from '../support/workflow.ts';

let shop: Shop;
let github: FakeWorkflow;

beforeEach(async () => {
  shop = await aShop({ migrate: true });
  github = aWorkflow();
});

afterEach(() => shop.close());

/** A job of a run of its own. */
function jobOf(id: number) {
  github.runs.set(id, aRun(id));
  return aPlatform({ workflow: aWorkflow({ id, call: String(id).repeat(16).slice(0, 16), with: github }) });
}

const request = (version: string) => ({ version, service: undefined, withoutProof: undefined });
const BACK = { to: undefined, data: 'keep' as const, reason: 'v2 loses orders', hold: true };

async function untilItMigrates(): Promise<void> {
  const migrating = join(shop.folder, 'migrating');
  while ((await readFile(migrating, 'utf8').catch(() => '')) === '') await sleep(20);
}

describe('a rollback by hand while a release is at work', () => {
  it('waits for the step that is under way, goes back, and leaves a hold; the release ends and undoes nothing of it', async () => {
    await shop.build('v1');
    await release(request('v1'), shop.configuration('v1'), jobOf(1));
    await shop.build('v2');
    const slow = `const fs = require('node:fs'); fs.writeFileSync('${shop.folder}/migrating', 'began'); setTimeout(() => fs.writeFileSync('${shop.folder}/migrating', 'ended'), 3000);`;
    await writeFile(join(shop.folder, 'build/web-v2/migrate.cjs'), slow);
    const releasing = release(request('v2'), shop.configuration('v2'), jobOf(2)).catch((error: Error) => error);
    await untilItMigrates();

    const back = await rollback(BACK, shop.configuration('v2'), jobOf(3));
    const migration = await readFile(join(shop.folder, 'migrating'), 'utf8');
    const ended = await releasing;

    expect(back).toMatchObject({ decision: 'proceed', reason: 'rolled-back', record: { live: { version: 'v1' } } });
    expect(migration).toBe('ended');
    expect(ended).toMatchObject({ decision: 'stop', summary: expect.stringContaining('taken over') });
    expect(await shop.ask('web', '/version')).toBe('v1');
    const { leases, journal } = await openEnvironment(shop.configuration('v1'), jobOf(4), { create: false });
    expect(await leases.current()).toMatchObject({ purpose: 'hold', reason: 'v2 loses orders' });
    expect(await journal.open()).toEqual([]);
    const [, second] = github.made;
    expect(second?.states.at(-1)).toBe('failure');
  });

  it('does not wait for one whose run has ended', async () => {
    await shop.build('v1');
    await release(request('v1'), shop.configuration('v1'), jobOf(1));
    await shop.build('v2');
    const endless = `require('node:fs').writeFileSync('${shop.folder}/migrating', 'began'); setTimeout(() => {}, 600000);`;
    await writeFile(join(shop.folder, 'build/web-v2/migrate.cjs'), endless);
    const cancelled = new AbortController();
    const dying = { ...jobOf(2), signal: cancelled.signal };
    const releasing = release(request('v2'), shop.configuration('v2'), dying).catch((error: Error) => error);
    await untilItMigrates();
    github.runs.set(2, aRun(2, { hasEnded: true, conclusion: 'cancelled' }));
    const startedAt = Date.now();

    const back = await rollback(BACK, shop.configuration('v2'), jobOf(3));
    const tookMs = Date.now() - startedAt;
    cancelled.abort();
    await releasing;

    expect(back.reason).toBe('rolled-back');
    expect(tookMs).toBeLessThan(20_000);
    expect(await shop.ask('web', '/version')).toBe('v1');
  });
});
