import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { backupCreate } from '../../src/backup/create.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { deployAlone } from '../../src/pipeline/deploy-step.ts';
import { release } from '../../src/pipeline/release.ts';
import { type RestoreRequest, restore } from '../../src/pipeline/restore.ts';
import { type Log, silentLog } from '../../src/platform/log.ts';
import { recoverEnvironment } from '../../src/recover/action.ts';
import { changeDatabase, lookAtDatabase } from '../support/database.ts';
import { Died } from '../support/dying-files.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

const platform = aPlatform();
let shop: Shop;
let settings: Configuration;
let ledger: string;

/** A shop whose web service keeps notes in files and bookings in SQLite; v1 is live and has one of each. */
beforeEach(async () => {
  shop = await aShop();
  const state: Configuration['state'] = { ledger: { kind: 'sqlite', service: 'web', path: 'ledger.db' } };
  const configured = shop.configuration('v1');
  settings = { ...configured, state: { ...configured.state, ...state } };
  ledger = join(shop.root, 'shared', 'web', 'ledger.db');
  await shop.build('v1');
  const live = await release({ version: 'v1', service: undefined, withoutProof: undefined }, settings, platform);
  if (live.decision === 'stop') throw new Error(live.summary);
  changeDatabase(ledger, 'CREATE TABLE bookings (id INTEGER PRIMARY KEY, what TEXT)');
  changeDatabase(ledger, "INSERT INTO bookings (what) VALUES ('first')");
  await shop.ask('web', '/notes', 'POST');
});

afterEach(async () => {
  await shop.close();
});

async function aBackup(): Promise<string> {
  const report = await backupCreate.run({ inputs: {}, settings }, platform);
  return /b-\d{8}T\d{6}-[0-9a-f]{4}/.exec(report.summary)?.[0] ?? 'none';
}

async function writeMore(): Promise<void> {
  await shop.ask('web', '/notes', 'POST');
  changeDatabase(ledger, "INSERT INTO bookings (what) VALUES ('second'), ('third')");
}

async function whatUsersSee(): Promise<unknown> {
  return { notes: await shop.ask('web', '/notes'), ledger: lookAtDatabase(ledger) };
}

function restoring(backup: string, changes: Partial<RestoreRequest> = {}): RestoreRequest {
  return { backup, sources: [], service: undefined, yes: true, ...changes };
}

const pidOf = async (service: string) => {
  const { instances } = await openEnvironment(settings, platform, { create: false });
  return (await instances.find(service)).map(({ process }) => process.pid);
};

describe('backup restore', () => {
  it('brings the data back under the live release, and keeps what was there before', async () => {
    const id = await aBackup();
    const noted = await whatUsersSee();
    await writeMore();
    const lost = await whatUsersSee();

    const report = await restore(restoring(id), settings, platform);

    expect(report).toMatchObject({
      action: 'backup restore',
      decision: 'proceed',
      reason: 'restored',
      subject: { version: 'v1' },
      record: { live: { version: 'v1' }, backup: { id, proof: { verified: true } } },
    });
    expect(report.summary).toContain('2 rows in ledger');
    expect(await whatUsersSee()).toEqual(noted);
    expect(await shop.ask('clock', '/version')).toBe('v1');
    const safety = /what was there before is in (b-\S+)/.exec(report.summary)?.[1] ?? 'none';
    await restore(restoring(safety), settings, platform);
    expect(await whatUsersSee()).toEqual(lost);
  });

  it('refuses without --yes when something was written since, says how much, and stops nothing', async () => {
    const id = await aBackup();
    await writeMore();
    const before = { seen: await whatUsersSee(), web: await pidOf('web') };

    await expect(restore(restoring(id, { yes: false }), settings, platform)).rejects.toMatchObject({
      code: 'say-yes',
      message: expect.stringMatching(/2 rows in ledger written since .*Z/),
      hint: expect.stringContaining('--yes'),
    });

    expect({ seen: await whatUsersSee(), web: await pidOf('web') }).toEqual(before);
    const scratch = await readdir(join(shop.root, '.holdfast', 'scratch'), { recursive: true });
    expect(scratch.filter((name) => name.includes('rs-'))).toEqual([]);
    const { leases } = await openEnvironment(settings, platform, { create: false });
    expect(await leases.current()).toBeUndefined();
  });

  it('needs no --yes and takes no copy when the state is still that of the backup', async () => {
    const id = await aBackup();

    const report = await restore(restoring(id, { yes: false }), settings, platform);

    expect(report.reason).toBe('restored');
    expect(report.record?.['restore']).not.toHaveProperty('safety');
  });

  it.each([
    { name: 'one source', request: { sources: ['notes'] }, notes: 1, rows: 3 },
    { name: 'the state of one service', request: { service: 'web' }, notes: 1, rows: 1 },
  ])('puts back $name alone', async ({ request, notes, rows }) => {
    const id = await aBackup();
    await writeMore();

    const report = await restore(restoring(id, request), settings, platform);

    expect(report.reason).toBe('restored');
    expect((await shop.ask('web', '/notes')).trim().split('\n')).toHaveLength(notes);
    expect(lookAtDatabase(ledger)).toMatchObject({ rows: { bookings: Array.from({ length: rows }, () => ({})) } });
  });

  it('refuses what it does not hold, and a backup that there is not', async () => {
    const id = await aBackup();
    const asked = (changes: Partial<RestoreRequest>) => restore(restoring(id, changes), settings, platform);

    await expect(asked({ sources: ['queue'] })).rejects.toMatchObject({ code: 'no-such-state' });
    await expect(asked({ service: 'clock' })).rejects.toMatchObject({ code: 'no-such-state' });
    await expect(asked({ backup: 'b-20261122T101500-4f2a' })).rejects.toMatchObject({ code: 'no-such-backup' });
  });

  it('takes the role restorer', async () => {
    const id = await aBackup();
    const strict = { ...settings, access: { roles: { deployer: [`os:${platform.identity.user}`] }, freeze: [] } };

    const report = await restore(restoring(id), strict, platform);

    expect(report).toMatchObject({ decision: 'stop', reason: 'no-role' });
    expect(report.findings).toEqual([expect.objectContaining({ check: 'access', outcome: 'fail' })]);
  });

  it('runs under a hold of ones own and leaves it, and not under that of somebody else', async () => {
    const id = await aBackup();
    const { leases } = await openEnvironment(settings, platform, { create: false });

    await leases.hold({ environment: 'local', actor: 'os:somebody-else', reason: 'closing' });
    await expect(restore(restoring(id), settings, platform)).rejects.toMatchObject({ code: 'environment-held' });
    await leases.hold({ environment: 'local', actor: `os:${platform.identity.user}`, reason: 'incident' });
    const report = await restore(restoring(id), settings, platform);

    expect(report.reason).toBe('restored');
    expect(await leases.current()).toMatchObject({ purpose: 'hold', reason: 'incident' });
  });

  it('asks for a decision first while a deployed release is neither good nor bad', async () => {
    const id = await aBackup();
    await shop.build('v2');
    const v2 = { ...settings, services: shop.configuration('v2').services };
    const request = { version: 'v2', service: undefined, withoutProof: undefined, backup: id };
    await deployAlone(request, v2, platform);

    await expect(restore(restoring(id), settings, platform)).rejects.toMatchObject({ code: 'awaiting-verdict' });

    expect(await shop.ask('web', '/version')).toBe('v2');
  });

  it('restores a database that cannot be read any more, and says that its writes are unknown', async () => {
    const id = await aBackup();
    const noted = await whatUsersSee();
    const bytes = await readFile(ledger);
    await writeFile(ledger, Buffer.concat([bytes.subarray(0, 16), Buffer.alloc(bytes.length - 16, 0xff)]));

    await expect(restore(restoring(id, { yes: false }), settings, platform)).rejects.toMatchObject({
      code: 'say-yes',
      message: expect.stringContaining('ledger cannot be read now'),
    });
    const report = await restore(restoring(id), settings, platform);

    expect(report.reason).toBe('restored');
    expect(report.findings).toContainEqual(
      expect.objectContaining({ check: 'backup-before-restore', outcome: 'warn' }),
    );
    expect(await whatUsersSee()).toEqual(noted);
  });

  it('brings the data of an environment back in which nothing is live', async () => {
    const id = await aBackup();
    const notes = join(shop.root, 'shared', 'web', 'data', 'notes.txt');
    const before = await readFile(notes, 'utf8');
    const environment = await openEnvironment(settings, platform, { create: false });
    for (const service of ['web', 'clock']) {
      for (const instance of await environment.instances.find(service)) {
        await environment.instances.stop(instance, { signal: 'SIGTERM', timeout: 1000 });
      }
    }
    await rm(join(shop.root, 'current'));
    await rm(join(shop.root, 'shared'), { recursive: true });
    await mkdir(join(shop.root, 'shared'));

    const report = await restore(restoring(id), settings, platform);

    expect(report).toMatchObject({ reason: 'restored', record: { live: null } });
    expect(await readFile(notes, 'utf8')).toBe(before);
  });

  it('stops at a damaged backup before anything is touched', async () => {
    const id = await aBackup();
    await writeMore();
    const before = { seen: await whatUsersSee(), web: await pidOf('web') };
    await writeFile(join(shop.root, '.holdfast', 'store', `${id}.tar.zst`), 'not what was stored');

    await expect(restore(restoring(id), settings, platform)).rejects.toMatchObject({ code: 'backup-damaged' });

    expect({ seen: await whatUsersSee(), web: await pidOf('web') }).toEqual(before);
  });
});

describe('a restore that was killed', () => {
  const steps = [
    'stop what runs of web',
    'count what was written since the backup',
    'put ledger back',
    'point the link',
    'start web',
    'see that the running release',
  ];

  it.each(steps)('is finished by recover, killed at: %s', async (step) => {
    const id = await aBackup();
    const noted = await whatUsersSee();
    await writeMore();
    const killed = restore(restoring(id), settings, aPlatform({ log: dyingAt(step) }));
    await expect(killed).rejects.toBeInstanceOf(Died);

    const report = await recoverEnvironment(settings, platform);
    const again = await recoverEnvironment(settings, platform);

    expect(report).toMatchObject({ reason: 'recovered', summary: expect.stringContaining('finished the restore rs-') });
    expect(again.reason).toBe('nothing-to-recover');
    expect(await whatUsersSee()).toEqual(noted);
    expect(await pidOf('web')).toHaveLength(1);
  });

  it('is finished with the sources that it was asked for, and no others', async () => {
    const id = await aBackup();
    await writeMore();
    const request = restoring(id, { sources: ['notes'] });
    const killed = restore(request, settings, aPlatform({ log: dyingAt('put notes back') }));
    await expect(killed).rejects.toBeInstanceOf(Died);

    await recoverEnvironment(settings, platform);

    expect((await shop.ask('web', '/notes')).trim().split('\n')).toHaveLength(1);
    expect(lookAtDatabase(ledger)).toMatchObject({ rows: { bookings: [{}, {}, {}] } });
  });
});

describe('a restore that fails', () => {
  it('is unsafe, says the way back, and the next restore takes its place', async () => {
    const id = await aBackup();
    await writeMore();
    const lost = await whatUsersSee();
    const { book, layout } = await openEnvironment(settings, platform, { create: false });
    const live = (await book.live())?.record.release ?? '';
    const fault = join(layout.service(live, 'web'), 'fault');
    await writeFile(fault, 'crash');

    const failed = await restore(restoring(id), settings, platform);

    expect(failed).toMatchObject({ decision: 'stop', reason: 'unsafe', findings: [{}, { check: 'start:web' }] });
    const remedy = failed.findings.at(-1)?.remedy ?? '';
    const safety = /holdfast backup restore (b-\S+) --yes/.exec(remedy)?.[1] ?? 'none';
    await rm(fault);
    const back = await restore(restoring(safety), settings, platform);
    expect(back.reason).toBe('restored');
    expect(await whatUsersSee()).toEqual(lost);
    expect((await recoverEnvironment(settings, platform)).reason).toBe('nothing-to-recover');
  });
});

/** Ends the walk at the step of this summary as a kill would: its intent is written, it did not begin. */
function dyingAt(summary: string): Log {
  const log = silentLog();
  return {
    ...log,
    step(name) {
      if (name.includes(summary)) throw new Died(name);
      return log.step(name);
    },
  };
}
