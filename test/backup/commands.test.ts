import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { backupCheck } from '../../src/backup/check.ts';
import { backupCreate, backupVerify } from '../../src/backup/create.ts';
import { backupPrune } from '../../src/backup/prune.ts';
import { backupList, backupShow } from '../../src/backup/show.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Report } from '../../src/core/report.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { release } from '../../src/pipeline/release.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

const platform = aPlatform();
let shop: Shop;
let settings: Configuration;

beforeEach(async () => {
  shop = await aShop();
  settings = shop.configuration('v1');
});

afterEach(async () => {
  await shop.close();
});

const create = (changes: Partial<Configuration> = {}) =>
  backupCreate.run({ inputs: {}, settings: { ...settings, ...changes } }, platform);
const list = () => backupList.run({ inputs: {}, settings }, platform);
const check = () => backupCheck.run({ inputs: {}, settings }, platform);

async function goLive(): Promise<void> {
  await shop.build('v1');
  const report = await release({ version: 'v1', service: undefined, withoutProof: undefined }, settings, platform);
  if (report.decision === 'stop') throw new Error(report.summary);
  await shop.ask('web', '/notes', 'POST');
}

function idOf({ record }: Report): string {
  const backup = record?.['backup'];
  if (typeof backup !== 'object' || backup === null || Array.isArray(backup)) throw new Error('no backup is told');
  return String(backup['id']);
}

function textOf(blocks: readonly unknown[] | undefined): string {
  return JSON.stringify(blocks);
}

const inStore = (name: string) => join(shop.root, '.holdfast', 'store', name);

describe('backup create', () => {
  it('copies and proves what is there while the services run on', async () => {
    await goLive();

    const report = await create();

    expect(report).toMatchObject({ decision: 'proceed', reason: 'proven', subject: { version: 'v1' } });
    expect(report.record).toMatchObject({ backup: { version: 'v1', proof: { verified: true, entries: 2 } } });
    expect(report.summary).toContain('every digest equal');
    expect(await shop.ask('web', '/version')).toBe('v1');
    const scratch = await readdir(join(shop.root, '.holdfast', 'scratch'), { recursive: true });
    expect(scratch.filter((name) => name.includes('b-'))).toEqual([]);
  });

  it('works before anything is live, and has nothing to do without state', async () => {
    const empty = await create();
    const stateless = await create({ state: {} });

    expect(empty.reason).toBe('proven');
    expect(stateless).toMatchObject({ decision: 'proceed', reason: 'skipped' });
  });

  it('removes old backups by the policy, never one that a release needs', async () => {
    await goLive();
    const keep = { ...settings.backup, keep: { last: 1, daily: 0, weekly: 0 } };
    const first = idOf(await create());

    const second = await create({ backup: keep });

    const left = JSON.stringify((await list()).record);
    expect(second.summary).toContain('1 older ones were removed');
    expect(left).not.toContain(first);
    expect(left).toContain('"neededBy":["r-');
    expect(left).toContain(idOf(second));
  });

  it('stops with the reason when the copy cannot be proven, and stays out of the way of a release', async () => {
    const state = {
      queue: {
        kind: 'command' as const,
        scratch: false,
        dump: { command: ['echo', 'rows'] as [string, ...string[]], timeout: 5000 },
        restore: { command: ['true'] as [string, ...string[]], timeout: 5000 },
        fingerprint: { command: ['echo', 'schema'] as [string, ...string[]], timeout: 5000 },
        env: {},
      },
    };

    const report = await create({ state });

    expect(report).toMatchObject({ decision: 'stop', reason: 'not-proven' });
    expect(report.findings).toEqual([expect.objectContaining({ check: 'backup-proof', outcome: 'fail' })]);
    expect(JSON.stringify((await list()).record)).toContain(idOf(report));

    const environment = await openEnvironment(settings, platform, { create: false });
    const lease = await environment.leases.acquire({ environment: 'local', purpose: 'release', actor: 'os:bob' });
    await expect(create()).rejects.toMatchObject({ code: 'environment-locked' });
    await lease.release();
  });

  it('goes on under a hold, which is there afterwards', async () => {
    await create();
    const { leases } = await openEnvironment(settings, platform, { create: false });
    await leases.hold({ environment: 'local', actor: 'os:bob', reason: 'closing' });

    const report = await create();

    expect(report.reason).toBe('proven');
    expect(await leases.current()).toMatchObject({ purpose: 'hold', owner: { actor: 'os:bob' }, reason: 'closing' });
  });

  it('tells that a killed run may have left the state halfway', async () => {
    await goLive();
    const { journal } = await openEnvironment(settings, platform, { create: false });
    await journal.begin({ run: 'r-20261122T101500-dead', kind: 'deploy', actor: 'os:bob' });

    const report = await create();

    expect(report.findings).toEqual([
      expect.objectContaining({ check: 'unfinished-run', outcome: 'warn', message: expect.stringContaining('dead') }),
    ]);
  });
});

describe('backup list and show', () => {
  it('tells of each backup what it holds, whether it is proven, and who needs it', async () => {
    await goLive();
    const id = idOf(await create());

    const listed = await list();
    const shown = await backupShow.run({ inputs: { id }, settings }, platform);

    expect(listed.summary).toMatch(/^2 backups in .*store, 2 of them proven, /);
    expect(textOf(backupList.present?.(listed))).toContain(`["${id}","v1",`);
    expect(shown.summary).toContain(`${id} holds the state of v1`);
    expect(shown.summary).toContain('proven');
    expect(textOf(backupShow.present?.(shown))).toContain('["notes","files","2"');
    expect(JSON.stringify(shown.record)).not.toContain('entries":[');
  });

  it('is empty before the first, and knows no backup that is not there', async () => {
    const listed = await list();
    const show = (id: string) => backupShow.run({ inputs: { id }, settings }, platform);

    expect(listed).toMatchObject({ decision: 'proceed', reason: 'listed' });
    expect(backupList.present?.(listed)).toEqual([]);
    await expect(show('b-20261122T101500-4f2a')).rejects.toMatchObject({ code: 'no-such-backup' });
    await expect(show('../key')).rejects.toMatchObject({ code: 'no-such-backup' });
  });
});

describe('backup verify', () => {
  it('proves again', async () => {
    const id = idOf(await create());

    const report = await backupVerify.run({ inputs: { id }, settings }, platform);

    expect(report).toMatchObject({
      decision: 'proceed',
      reason: 'proven',
      record: { backup: { proof: { backup: id } } },
    });
  });

  it('takes the proof away from a backup that does not hold any more', async () => {
    await goLive();
    const id = idOf(await create());
    await flipOneByte(inStore(`${id}.tar.zst`));

    const report = await backupVerify.run({ inputs: { id }, settings }, platform);

    expect(report).toMatchObject({ decision: 'stop', reason: 'not-proven' });
    expect(report.findings[0]?.message).toContain('damaged');
    const shown = await backupShow.run({ inputs: { id }, settings }, platform);
    expect(shown.summary).toContain('not proven');
  });
});

describe('backup prune', () => {
  it('only tells with --dry-run, then does the same', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.push(idOf(await create()));
    const last = { ...settings, backup: { ...settings.backup, keep: { last: 1, daily: 0, weekly: 0 } } };
    const prune = (dryRun: boolean) => backupPrune.run({ inputs: { 'dry-run': dryRun }, settings: last }, platform);

    const planned = await prune(true);
    const afterPlan = (await readdir(inStore(''))).filter((name) => name.endsWith('.tar.zst'));
    const pruned = await prune(false);
    const afterPrune = (await readdir(inStore(''))).filter((name) => name.endsWith('.tar.zst'));

    expect(planned).toMatchObject({ reason: 'planned', summary: expect.stringContaining('2 of 3 backups would be') });
    expect(afterPlan).toHaveLength(3);
    expect(pruned).toMatchObject({ reason: 'pruned', summary: expect.stringContaining('2 of 3 backups were removed') });
    expect(afterPrune).toHaveLength(1);
    expect(textOf(backupPrune.present?.(planned))).toContain('"goes"');
    expect((await prune(false)).reason).toBe('nothing-to-remove');
  });

  it('keeps what a restore that was killed is finished from', async () => {
    const first = idOf(await create());
    await create();
    const environment = await openEnvironment(settings, platform, { create: false });
    await environment.journal.begin({
      run: 'rs-20261122T101500-dead',
      kind: 'rollback',
      backup: first,
      sources: ['notes'],
      actor: 'os:bob',
    });
    const last = { ...settings, backup: { ...settings.backup, keep: { last: 1, daily: 0, weekly: 0 } } };

    const pruned = await backupPrune.run({ inputs: { 'dry-run': false }, settings: last }, platform);

    expect(pruned.reason).toBe('nothing-to-remove');
  });
});

describe('backup check', () => {
  it('finds nothing to say against a healthy store', async () => {
    await goLive();
    await create();

    const report = await check();

    expect(report).toMatchObject({ decision: 'proceed', reason: 'intact', summary: '2 backups are what was written' });
    expect(report.findings.map(({ outcome }) => outcome)).toEqual(['pass', 'pass']);
  });

  it('says so when there is none', async () => {
    expect(await check()).toMatchObject({ decision: 'proceed', reason: 'no-backups' });
  });

  it.each([
    {
      name: 'another content of the same size',
      harm: (id: string) => flipOneByte(inStore(`${id}.tar.zst`)),
      said: 'its archive has another digest than when it was written',
    },
    {
      name: 'a shorter archive',
      harm: async (id: string) => {
        const path = inStore(`${id}.tar.zst`);
        await writeFile(path, (await readFile(path)).subarray(0, 10));
      },
      said: 'its archive has 10 bytes instead of ',
    },
    {
      name: 'a missing archive',
      harm: (id: string) => remove(inStore(`${id}.tar.zst`)),
      said: 'its archive is gone',
    },
    {
      name: 'a manifest that nobody can read',
      harm: (id: string) => writeFile(inStore(`${id}.json`), '{"schema": 1'),
      said: 'the manifest of',
    },
  ])('finds $name', async ({ harm, said }) => {
    const id = idOf(await create());
    const good = idOf(await create());
    await harm(id);

    const report = await check();

    expect(report).toMatchObject({ decision: 'stop', reason: 'damaged' });
    const outcomes = Object.fromEntries(report.findings.map(({ check: name, outcome }) => [name, outcome]));
    expect(outcomes).toEqual({ [`backup:${id}`]: 'fail', [`backup:${good}`]: 'pass' });
    expect(report.findings.find(({ outcome }) => outcome === 'fail')?.message).toContain(said);
  });

  it('finds a backup without proof, an archive without backup, and a release without its backup', async () => {
    await goLive();
    const needed =
      (await readdir(inStore(''))).find((name) => name.endsWith('.tar.zst'))?.replace('.tar.zst', '') ?? '';
    const unproven = idOf(await create());
    await remove(inStore(`${unproven}.proof.json`));
    await writeFile(inStore('b-20261122T101500-4f2a.tar.zst'), 'half of it');
    for (const suffix of ['.json', '.proof.json', '.tar.zst']) await remove(inStore(`${needed}${suffix}`));

    const { findings } = await check();

    const said = Object.fromEntries(
      findings.map(({ check: name, outcome, message }) => [name, `${outcome} ${message}`]),
    );
    expect(said[`backup:${unproven}`]).toContain('warn');
    expect(said[`backup:${unproven}`]).toContain('nothing proves that it restores');
    expect(said['backup:b-20261122T101500-4f2a']).toContain('warn');
    expect(said[`backup:${needed}`]).toMatch(/^fail .* is gone, with which r-/);
  });
});

async function flipOneByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}

async function remove(path: string): Promise<void> {
  await platform.files.remove(path);
}
