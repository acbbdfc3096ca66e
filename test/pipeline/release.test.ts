import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEnvironment } from '../../src/environment/environment.ts';
import { plan } from '../../src/pipeline/plan.ts';
import { release } from '../../src/pipeline/release.ts';
import { rollback } from '../../src/pipeline/rollback.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

let shop: Shop;

afterEach(() => shop.close());

async function releaseVersion(
  version: string,
  options: { fault?: string; service?: string; set?: string[]; signal?: AbortSignal; withoutProof?: string } = {},
) {
  await shop.build(version, options.fault);
  const platform = options.signal === undefined ? aPlatform() : aPlatform({ signal: options.signal });
  const request = { version, service: options.service, withoutProof: options.withoutProof };
  return release(request, shop.configuration(version, options.set), platform);
}

const reasonsOf = (report: { record?: Record<string, unknown> | undefined }) =>
  Array.isArray(report.record?.['steps'])
    ? report.record['steps'].map(({ name, reason }: { name: string; reason: string }) => `${name}: ${reason}`)
    : [];

describe('a release', () => {
  beforeEach(async () => {
    shop = await aShop({ migrate: true });
  });

  it('goes through every gate, is good afterwards, and leaves a proven backup', async () => {
    const report = await releaseVersion('v1');

    expect(report).toMatchObject({ decision: 'proceed', reason: 'released', subject: { version: 'v1' } });
    expect(reasonsOf(report)).toEqual([
      'authorize: no-policy',
      'compliance-before: skipped',
      'backup: proven',
      'deploy: deployed',
      'validate: validated',
      'compliance-after: skipped',
      'promote: promoted',
    ]);
    expect(report.record).toMatchObject({ live: { version: 'v1' }, backup: { proof: { verified: true } } });
    expect(await shop.ask('clock', '/version')).toBe('v1');
  });

  it.each([
    ['crash', 'exited'],
    ['exit-zero', 'exited'],
    ['never-ready', 'never-healthy'],
    ['broken-notes', 'check-failed'],
    ['destroys-data', 'check-failed'],
    ['destroys-and-fails', 'migration-failed'],
  ])('that is broken by %s is rolled back with its data', async (fault, reason) => {
    await releaseVersion('v1');
    await shop.ask('web', '/notes', 'POST');
    const before = await shop.ask('web', '/notes');

    const extra = fault === 'destroys-data' ? ['validate.checks.notes-are-listed.expect.contains=a note of v1'] : [];
    const report = await releaseVersion('v2', { fault, set: extra });

    expect(report).toMatchObject({ decision: 'stop', reason: 'rolled-back' });
    expect(report.record).toMatchObject({
      live: { version: 'v1' },
      rollback: { to: { version: 'v1' }, data: 'restored' },
    });
    expect(reasonsOf(report).join()).toContain(reason);
    expect(await shop.ask('web', '/version')).toBe('v1');
    expect(await shop.ask('clock', '/version')).toBe('v1');
    expect(await shop.ask('web', '/notes')).toBe(before);
  });

  it('that fails as the very first one leaves nothing live and nothing running', async () => {
    const report = await releaseVersion('v1', { fault: 'broken-notes' });

    const environment = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    expect(report).toMatchObject({ reason: 'rolled-back', record: { live: null } });
    expect(await environment.book.live()).toBeUndefined();
    await expect(shop.ask('web', '/version')).rejects.toThrow();
  });

  it('of one service carries the others over, and they keep answering with their own version', async () => {
    await releaseVersion('v1');
    const environment = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    const [before] = await environment.instances.find('clock');

    const report = await releaseVersion('v2', { service: 'web' });

    const [after] = await environment.instances.find('clock');
    expect(report.reason).toBe('released');
    expect(await shop.ask('web', '/version')).toBe('v2');
    expect(await shop.ask('clock', '/version')).toBe('v1');
    expect(after?.process).toEqual(before?.process);
    expect(await readFile(join(shop.root, 'current', 'clock', 'built'), 'utf8')).toBe('v1');

    const third = await releaseVersion('v3', { service: 'clock' });

    expect(third.reason).toBe('released');
    expect([await shop.ask('web', '/version'), await shop.ask('clock', '/version')]).toEqual(['v2', 'v3']);
    const back = await rollback(
      { to: undefined, data: 'keep', reason: undefined },
      shop.configuration('v3'),
      aPlatform(),
    );
    expect(back.reason).toBe('rolled-back');
    expect([await shop.ask('web', '/version'), await shop.ask('clock', '/version')]).toEqual(['v2', 'v1']);
  });

  it('is not started while somebody holds the environment', async () => {
    const environment = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: true });
    await environment.leases.hold({ environment: 'local', actor: 'os:alice', reason: 'month-end closing' });

    const report = await releaseVersion('v1');

    expect(report).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(report.summary).toContain('local is held by os:alice');
    expect(report.summary).toContain('month-end closing');
    expect(reasonsOf(report)).toContain('lease: environment-held');
  });

  it('that is interrupted while it is live goes back before it ends', async () => {
    await releaseVersion('v1');
    const controller = new AbortController();
    await shop.build('v2');
    const platform = aPlatform({ signal: controller.signal });
    const log = {
      ...platform.log,
      step: (name: string) => {
        if (name === 'validate') controller.abort();
        return platform.log.step(name);
      },
    };

    const report = await release(
      { version: 'v2', service: undefined, withoutProof: undefined },
      shop.configuration('v2'),
      { ...platform, log },
    );

    expect(report).toMatchObject({ reason: 'rolled-back', record: { live: { version: 'v1' } } });
    expect(await shop.ask('web', '/version')).toBe('v1');
  });

  it('whose way back fails says that a person is needed', async () => {
    await releaseVersion('v1');
    await shop.build('v2', 'broken-notes');
    const environment = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    const live = await environment.book.live();
    await rm(join(shop.root, 'releases', live?.record.release ?? '', 'web', 'server.cjs'));

    const report = await releaseVersion('v2', { fault: 'broken-notes' });

    expect(report).toMatchObject({ decision: 'stop', reason: 'unsafe' });
    expect(report.summary).toContain('A person is needed');
    expect(report.record?.['live']).toBeUndefined();
  });

  it('whose way back fails does not bar another way that a person names', async () => {
    await releaseVersion('v0');
    await releaseVersion('v1');
    const environment = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    const broken = (await environment.book.live())?.record.release ?? '';
    await rm(join(shop.root, 'releases', broken, 'web', 'server.cjs'));
    await releaseVersion('v2', { fault: 'broken-notes' });

    const refused = await rollback(
      { to: undefined, data: undefined, reason: undefined },
      shop.configuration('v2'),
      aPlatform(),
    );
    const named = await rollback({ to: 'v0', data: 'keep', reason: undefined }, shop.configuration('v2'), aPlatform());

    expect(refused).toMatchObject({
      reason: 'unsafe',
      findings: expect.arrayContaining([expect.objectContaining({ remedy: expect.stringContaining('--to RELEASE') })]),
    });
    expect(named).toMatchObject({ reason: 'rolled-back', record: { live: { version: 'v0' } } });
    expect(await shop.ask('web', '/version')).toBe('v0');
    const after = await releaseVersion('v3');
    expect(after.reason).toBe('released');
  }, 90_000);

  it('keeps secrets out of capsules, records, journals and reports', async () => {
    const report = await releaseVersion('v1');

    const environment = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    const { layout, machine } = environment;
    const texts = [JSON.stringify(report)];
    for (const folder of [
      layout.records,
      layout.journal,
      join(layout.own, 'capsules'),
      layout.baselines,
      layout.processes,
    ]) {
      for (const name of await machine.files.list(folder)) texts.push(await readFile(join(folder, name), 'utf8'));
    }
    expect(texts.length).toBeGreaterThan(4);
    for (const text of texts) expect(text).not.toContain('sentinel-of-the-shop');
    expect((await machine.files.status(layout.secretSettings(String(report.subject.release))))?.mode).toBe(0o600);
  });

  it('removes old releases, but never one that a rollback needs', async () => {
    for (const version of ['v1', 'v2', 'v3', 'v4']) await releaseVersion(version, { set: ['releases.keep=2'] });

    const environment = await openEnvironment(shop.configuration('v4'), aPlatform(), { create: false });
    const kept = (await environment.book.list()).map(({ version }) => version);
    expect(kept).toEqual(['v4', 'v3']);
    const report = await rollback(
      { to: undefined, data: 'keep', reason: 'a test' },
      shop.configuration('v4'),
      aPlatform(),
    );
    expect(report).toMatchObject({ reason: 'rolled-back', record: { live: { version: 'v3' } } });
  });

  it('names the missing artifact before anything is begun', async () => {
    await expect(
      release({ version: 'v9', service: undefined, withoutProof: undefined }, shop.configuration('v9'), aPlatform()),
    ).rejects.toMatchObject({
      code: 'artifact-missing',
      message: expect.stringContaining('services.web.artifact'),
    });
  });
});

describe('a release without migrations', () => {
  beforeEach(async () => {
    shop = await aShop();
  });

  it('that fails keeps the data, counts what was written since the backup, and names the way to have it back', async () => {
    await releaseVersion('v1');
    await shop.ask('web', '/notes', 'POST');

    const report = await releaseVersion('v2', { fault: 'scribbles' });

    expect(report).toMatchObject({
      reason: 'rolled-back',
      record: { rollback: { data: 'kept' }, writes: [{ source: 'notes', count: 1, unit: 'files' }] },
    });
    const kept = report.findings.find(({ check }) => check === 'data-kept');
    expect(kept).toMatchObject({
      outcome: 'warn',
      message: expect.stringContaining('1 file in notes'),
      remedy: expect.stringMatching(/holdfast backup restore b-/),
    });
    expect(await shop.ask('web', '/notes')).toBe('a note of v1\na scribble nobody asked for\n');
  });

  it('that fails restores the data all the same where the policy is always', async () => {
    await releaseVersion('v1');
    await shop.ask('web', '/notes', 'POST');

    const report = await releaseVersion('v2', { fault: 'scribbles', set: ['backup.on_rollback=always'] });

    expect(report.record).toMatchObject({ rollback: { data: 'restored' } });
    expect(await shop.ask('web', '/notes')).toBe('a note of v1\n');
  });

  it('that was good stays good when a person rolls back from it, and a later version is no way back', async () => {
    await releaseVersion('v1');
    await releaseVersion('v2');
    const back = { to: undefined, data: undefined, reason: 'a complaint' };

    const report = await rollback(back, shop.configuration('v2'), aPlatform());

    const environment = await openEnvironment(shop.configuration('v2'), aPlatform(), { create: false });
    expect(report).toMatchObject({
      reason: 'rolled-back',
      record: { live: { version: 'v1' }, rollback: { reason: expect.stringContaining('a complaint') } },
    });
    expect((await environment.book.list()).map(({ version, state }) => [version, state])).toEqual([
      ['v2', 'good'],
      ['v1', 'good'],
    ]);
    await expect(rollback({ ...back, to: 'v2' }, shop.configuration('v2'), aPlatform())).rejects.toMatchObject({
      code: 'not-a-way-back',
    });
    await expect(rollback({ ...back, to: 'v7' }, shop.configuration('v2'), aPlatform())).rejects.toMatchObject({
      code: 'release-unknown',
    });
  });
});

describe('a plan', () => {
  beforeEach(async () => {
    shop = await aShop({ migrate: true });
  });

  it('tells every step and the writes at risk, and changes nothing', async () => {
    await releaseVersion('v1');
    await shop.ask('web', '/notes', 'POST');
    await shop.build('v2');
    const environment = await openEnvironment(shop.configuration('v2'), aPlatform(), { create: false });
    const before = await environment.book.list();

    const report = await plan({ version: 'v2', service: undefined }, shop.configuration('v2'), aPlatform());

    const record = report.record as { plan: { step: string }[]; risk: { text: string } };
    expect(record.plan.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['stage:web', 'check-ports', 'stop:web', 'migrate:web', 'flip', 'start:clock']),
    );
    expect(record.risk.text).toContain('1 file in notes');
    expect(report.findings.filter(({ check }) => check.startsWith('gap:'))).toHaveLength(2);
    expect(await environment.book.list()).toEqual(before);
    expect(await shop.ask('web', '/version')).toBe('v1');
  });

  it('says what would stop the release: an artifact that is not there, a port that somebody holds', async () => {
    const stranger = createServer();
    const port = await new Promise<number>((resolve) => {
      stranger.listen(0, '127.0.0.1', () => {
        const address = stranger.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });

    const set = [`services.web.run.port=${port}`];
    const report = await plan({ version: 'v9', service: undefined }, shop.configuration('v9', set), aPlatform());

    stranger.close();
    const failed = report.findings.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check);
    expect(report).toMatchObject({ decision: 'stop', reason: 'would-stop' });
    expect(failed).toEqual(['artifact:web', 'artifact:clock', 'check-ports']);
  });
});
