import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { planPrune } from '../../src/backup/backup.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { revert } from '../../src/environment/revert.ts';
import { deployAlone } from '../../src/pipeline/deploy-step.ts';
import { promoteAlone } from '../../src/pipeline/promote-step.ts';
import { release } from '../../src/pipeline/release.ts';
import { rollback } from '../../src/pipeline/rollback.ts';
import type { Log } from '../../src/platform/log.ts';
import { silentLog } from '../../src/platform/log.ts';
import { recoverEnvironment } from '../../src/recover/action.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

const platform = aPlatform();
let shop: Shop;

beforeEach(async () => {
  shop = await aShop({ migrate: true });
});

afterEach(async () => {
  await shop.close();
});

async function releaseOf(version: string, set: readonly string[] = []) {
  await shop.build(version);
  const report = await release(requestOf(version), shop.configuration(version, set), platform);
  if (report.decision === 'stop') throw new Error(report.summary);
  return String(report.subject.release);
}

function requestOf(version: string) {
  return { version, service: undefined, withoutProof: undefined };
}

const open = (settings: Configuration) => openEnvironment(settings, platform, { create: false });

/** A log that does something when a step of this beginning is announced. */
function whenStepBegins(beginning: string, act: () => void): Log {
  const log = silentLog();
  return {
    ...log,
    step(name) {
      if (name.startsWith(beginning)) act();
      return log.step(name);
    },
  };
}

describe('a run whose lease was taken over', () => {
  /** The migration of v2 puts the lease of somebody else in the place of ours, as after a long sleep of our computer. */
  async function losesItsLease() {
    await releaseOf('v1');
    await shop.build('v2');
    const lease = join(shop.root, '.holdfast/lease.json');
    const program = `const fs = require('node:fs'); const l = JSON.parse(fs.readFileSync('${lease}')); l.nonce = 'of-another'; l.token += 1; fs.writeFileSync('${lease}', JSON.stringify(l));`;
    await writeFile(join(shop.folder, 'build/web-v2/migrate.cjs'), program);
    return lease;
  }

  it('begins no way back, which a later recovery would finish over the work of the other run', async () => {
    const lease = await losesItsLease();

    const report = await release(requestOf('v2'), shop.configuration('v2'), platform);

    expect(report).toMatchObject({ decision: 'stop', reason: 'unsafe' });
    const begun = (await (await open(shop.configuration('v1'))).journal.open()).map(({ header }) => header.kind);
    expect(begun).toEqual(['deploy']);
    await rm(lease);
  });

  it('does not mark its release good', async () => {
    await releaseOf('v1');
    await shop.build('v2');
    const deployed = await deployAlone(
      { ...requestOf('v2'), backup: undefined, withoutProof: 'a test' },
      shop.configuration('v2'),
      platform,
    );
    expect(deployed.reason).toBe('deployed');
    const lease = join(shop.root, '.holdfast/lease.json');
    const taking = whenStepBegins('promote', () => {
      writeFileSync(lease, JSON.stringify({ ...JSON.parse(readFileSync(lease, 'utf8')), nonce: 'of-another' }));
    });

    const promoting = promoteAlone({ validated: undefined }, shop.configuration('v2'), aPlatform({ log: taking }));

    await expect(promoting).rejects.toMatchObject({ code: 'lease-lost' });
    expect((await (await open(shop.configuration('v2'))).book.live())?.record.state).toBe('live');
    await rm(lease);
  });
});

describe('a rollback whose restored data is not that of the backup', () => {
  it('is not called finished by a recovery, which compares again until the data is right', async () => {
    const first = await releaseOf('v1');
    await shop.ask('web', '/notes', 'POST');
    const second = await releaseOf('v2');
    const settings = shop.configuration('v2');
    const notes = join(shop.root, 'shared/web/data/notes.txt');
    const kept = await readFile(notes, 'utf8');
    const backup = (await (await open(settings)).book.capsule(second)).backup;
    const spoiling = aPlatform({ log: whenStepBegins('compare notes with', () => writeFileSync(notes, 'spoiled')) });
    const environment = await openEnvironment(settings, spoiling, { create: false });
    const lease = await environment.leases.acquire({ environment: 'local', purpose: 'rollback', actor: 'os:test' });
    const request = {
      run: 'rb-20261122T101500-0000',
      from: second,
      to: first,
      backup,
      actor: 'os:test',
      failure: 'a test',
    };
    const { walk } = await revert(request, lease, environment);
    await lease.release();
    expect(walk.failed?.name).toBe('verify:notes');

    const stillWrong = await recoverEnvironment(settings, platform);
    await writeFile(notes, kept);
    const right = await recoverEnvironment(settings, platform);

    expect(stillWrong).toMatchObject({ decision: 'stop', reason: 'unsafe' });
    expect(right).toMatchObject({ decision: 'proceed', reason: 'recovered' });
    expect(await shop.ask('web', '/version')).toBe('v1');
  });
});

describe('a release that is left for the second time', () => {
  it('has its data put back as the first time, and keeps what was there both times', async () => {
    await releaseOf('v1');
    await shop.ask('web', '/notes', 'POST');
    const second = await releaseOf('v2');
    const back = (version: string, data: 'restore' | 'keep', to?: string) =>
      rollback({ to, data, reason: undefined }, shop.configuration(version), platform);
    await back('v2', 'restore');
    await releaseOf('v3');
    await back('v3', 'keep', second);
    await shop.ask('web', '/notes', 'POST');

    const report = await back('v2', 'restore');

    expect(report).toMatchObject({ decision: 'proceed', reason: 'rolled-back' });
    expect(await shop.ask('web', '/notes')).toBe('a note of v1\n');
  });
});

describe('a rollback over several releases', () => {
  it('asks what becomes of the data when one on the way migrated, though the live one did not', async () => {
    const first = await releaseOf('v1');
    await releaseOf('v2');
    const third = await releaseOf('v3', ['services.web.migrate=null']);

    const rolling = rollback({ to: first, data: undefined, reason: undefined }, shop.configuration('v3'), platform);

    await expect(rolling).rejects.toMatchObject({ code: 'say-data' });
    expect((await (await open(shop.configuration('v3'))).book.live())?.record.release).toBe(third);
  });
});

describe('a rollback to a release whose settings are gone', () => {
  it('is refused before it is begun, so that another one can be chosen', async () => {
    const first = await releaseOf('v1');
    const second = await releaseOf('v2');
    await releaseOf('v3');
    const settings = shop.configuration('v3');
    await rm(join(shop.root, '.holdfast/settings', `${second}.json`));
    await expect(rollback({ to: second, data: 'keep', reason: undefined }, settings, platform)).rejects.toMatchObject({
      code: 'settings-missing',
    });

    const report = await rollback({ to: first, data: 'keep', reason: undefined }, settings, platform);

    expect(report).toMatchObject({ decision: 'proceed', reason: 'rolled-back' });
    expect(await shop.ask('web', '/version')).toBe('v1');
  });
});

describe('an old release whose removal was interrupted', () => {
  it('does not keep backups from being pruned', async () => {
    const first = await releaseOf('v1');
    await releaseOf('v2');
    const environment = await open(shop.configuration('v2'));
    await rm(environment.layout.capsule(first));

    const plan = await planPrune(environment);

    expect(plan).toHaveLength(2);
  });
});

describe('a rollback that somebody interrupts', () => {
  it('by hand goes on to its end', async () => {
    await releaseOf('v1');
    await releaseOf('v2');
    const interrupt = new AbortController();
    const log = whenStepBegins('stop what runs of web', () => interrupt.abort());

    const report = await rollback(
      { to: undefined, data: 'keep', reason: undefined },
      shop.configuration('v2'),
      aPlatform({ log, signal: interrupt.signal }),
    );

    expect(report).toMatchObject({ decision: 'proceed', reason: 'rolled-back' });
    expect(await shop.ask('web', '/version')).toBe('v1');
  });

  it('while a recovery finishes it goes on to its end, and a release that was good stays good', async () => {
    const first = await releaseOf('v1');
    const second = await releaseOf('v2');
    const settings = shop.configuration('v2');
    const run = 'rb-20261122T101500-0000';
    await (await open(settings)).journal.begin({
      run,
      kind: 'rollback',
      release: second,
      previous: first,
      data: 'keep',
      actor: 'os:test',
    });
    const interrupt = new AbortController();
    const log = whenStepBegins('stop what runs of web', () => interrupt.abort());

    await recoverEnvironment(settings, aPlatform({ log, signal: interrupt.signal })).catch(() => undefined);

    expect(await shop.ask('web', '/version')).toBe('v1');
    const { book, journal } = await open(settings);
    expect(await journal.open()).toEqual([]);
    expect((await book.find(second))?.state).toBe('good');
  });
});

describe('a rollback after the clock was set back', () => {
  it('leads to the release that was live before, although its id looks later', async () => {
    await releaseOf('v1');
    await shop.build('v2');
    const clock = { ...platform.clock, now: () => Date.now() - 3_600_000 };
    await release(requestOf('v2'), shop.configuration('v2'), aPlatform({ clock }));

    const report = await rollback(
      { to: undefined, data: 'keep', reason: undefined },
      shop.configuration('v2'),
      aPlatform({ clock }),
    );

    expect(report).toMatchObject({ decision: 'proceed', reason: 'rolled-back' });
    expect(await shop.ask('web', '/version')).toBe('v1');
  });
});

describe('a folder that holds the releases of another tool', () => {
  it('is not taken over, whatever else is there', async () => {
    const foreign = join(shop.root, 'releases/20260101/app.js');
    await mkdir(join(foreign, '..'), { recursive: true });
    await writeFile(foreign, 'of another tool');

    await expect(recoverEnvironment(shop.configuration('v1'), platform)).rejects.toMatchObject({
      code: 'target-not-empty',
    });

    expect(await readFile(foreign, 'utf8')).toBe('of another tool');
    await rm(join(shop.root, 'releases'), { recursive: true });
  });
});

describe('a way back that was begun and did not end', () => {
  it('is not called finished by a recovery while the old version runs and does not answer', async () => {
    const first = await releaseOf('v1');
    // What it needs is gone since it was released: it starts, and never becomes ready.
    await writeFile(join(shop.root, 'releases', first, 'web/fault'), 'never-ready');
    await shop.build('v2', 'crash');
    const settings = shop.configuration('v2');
    const bad = await release(requestOf('v2'), settings, platform);

    const blind = await recoverEnvironment(settings, platform);
    await rm(join(shop.root, 'releases', first, 'web/fault'));
    for (const { process } of await (await open(settings)).instances.find('web')) {
      await platform.processes.signalGroup(process, 'SIGKILL');
    }
    const right = await recoverEnvironment(settings, platform);

    expect(bad.reason).toBe('unsafe');
    expect(blind).toMatchObject({ decision: 'stop', reason: 'unsafe' });
    expect(right).toMatchObject({ decision: 'proceed', reason: 'recovered' });
    expect(await shop.ask('web', '/version')).toBe('v1');
  });
});
