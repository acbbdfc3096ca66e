import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openEnvironment, sitesOf } from '../../src/environment/environment.ts';
import { stopEverything } from '../../src/environment/teardown.ts';
import { status } from '../../src/inspect/status.ts';
import { release } from '../../src/pipeline/release.ts';
import { rollback } from '../../src/pipeline/rollback.ts';
import { recoverEnvironment } from '../../src/recover/action.ts';
import { type Hosts, startHosts } from '../support/hosts.ts';
import { withPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

let network: Hosts;
let shop: Shop;
let root: string;
let count = 0;

beforeAll(async () => {
  network = await startHosts(3);
}, 60_000);

afterAll(() => network.close());

beforeEach(async () => {
  shop = await aShop({ migrate: true });
  count += 1;
  root = `~/shop-${count}`;
});

afterEach(async () => {
  await withPlatform(async (platform) => {
    const environment = await openEnvironment(settingsOf('v1'), platform, { create: false });
    for (const site of sitesOf(environment)) await stopEverything(site);
  });
  await shop.close();
});

function settingsOf(version: string, set: readonly string[] = []) {
  const { hosts } = network;
  const keys = Object.fromEntries(hosts.map(({ address, sshd }) => [address, sshd.settings.host_keys ?? []]));
  return {
    ...shop.configuration(version, set),
    target: {
      kind: 'ssh' as const,
      hosts: hosts.map(({ address }) => address),
      path: root,
      user: 'root',
      port: network.port,
      host_keys: keys,
      key: hosts[0]?.sshd.settings.key,
      max_parallel: 2,
    },
  };
}

async function releaseVersion(version: string, fault?: string, set: readonly string[] = []) {
  await shop.build(version, fault);
  const request = { version, service: undefined, withoutProof: undefined };
  return withPlatform((platform) => release(request, settingsOf(version, set), platform));
}

/** What each host answers on its own loopback address. */
async function versions(): Promise<string[]> {
  const port = settingsOf('v1').services['web']?.run.port;
  return Promise.all(
    network.hosts.map(async ({ inside }) =>
      (await inside('curl', '-s', '-m', '5', `http://127.0.0.1:${port}/version`).catch(() => 'silent')).trim(),
    ),
  );
}

describe('three hosts over ssh', () => {
  it('get a release one after the other, and all of them its rollback when one fails', async () => {
    const good = await releaseVersion('v1');
    const after = await versions();

    const bad = await releaseVersion('v2', 'broken-notes');

    expect(good).toMatchObject({ reason: 'released' });
    expect(after).toEqual(['v1', 'v1', 'v1']);
    expect(bad).toMatchObject({ reason: 'rolled-back', record: { live: { version: 'v1' } } });
    expect(bad.findings.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check)).toContain(
      `notes-are-listed@${network.hosts[2]?.address}`,
    );
    expect(await versions()).toEqual(['v1', 'v1', 'v1']);
    const shown = await withPlatform((platform) => status.run({ inputs: {}, settings: settingsOf('v1') }, platform));
    const behind = await withPlatform((platform) => {
      const clock = { ...platform.clock, now: () => Date.now() - 3_600_000 };
      return status.run({ inputs: {}, settings: settingsOf('v1') }, { ...platform, clock });
    });
    expect(shown.record?.['services']).toHaveLength(6);
    // The first host wrote since when it is live, so its clock tells for how long.
    expect(behind.summary).toMatch(/\(good, for \d+(\.\d+ s| min \d+ s)\)/);
  }, 240_000);

  it('run migrations and keep the state on the first one alone, which a rollback brings back', async () => {
    await releaseVersion('v1');
    const [seat] = network.hosts;
    const notes = join(seat?.home ?? '', root.slice(2), 'shared', 'web', 'data', 'notes.txt');
    const port = settingsOf('v1').services['web']?.run.port;
    await seat?.inside('curl', '-s', '-X', 'POST', `http://127.0.0.1:${port}/notes`);
    const before = await readFile(notes, 'utf8');

    const bad = await releaseVersion('v2', 'destroys-and-fails');

    expect(bad).toMatchObject({ reason: 'rolled-back', record: { rollback: { data: 'restored' } } });
    expect(await readFile(notes, 'utf8')).toBe(before);
    expect(await versions()).toEqual(['v1', 'v1', 'v1']);
  }, 240_000);

  it('are brought back but for the one that was unplugged, which the next recovery finishes', async () => {
    await releaseVersion('v1');
    await releaseVersion('v2');
    const third = network.hosts[2];
    await third?.unplug();

    const back = { to: undefined, data: 'keep' as const, reason: undefined };
    const half = await withPlatform((platform) => rollback(back, settingsOf('v2'), platform));
    const blind = await withPlatform((platform) => recoverEnvironment(settingsOf('v2'), platform));
    await third?.plugIn();
    const between = await versions();
    const recovered = await withPlatform((platform) => recoverEnvironment(settingsOf('v2'), platform));

    expect(half).toMatchObject({ decision: 'stop', reason: 'unsafe' });
    expect(half.summary).toContain(third?.address);
    expect(blind).toMatchObject({
      decision: 'stop',
      reason: 'unsafe',
      summary: expect.stringContaining(String(third?.address)),
    });
    expect(between).toEqual(['v1', 'v1', 'v2']);
    expect(recovered.reason).toBe('recovered');
    expect(await versions()).toEqual(['v1', 'v1', 'v1']);
  }, 300_000);
});
