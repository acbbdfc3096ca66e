import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openLeases } from '../../src/journal/lease.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { aPlatform } from '../support/platform.ts';

async function leasesIn(folder: string, changes: Partial<Platform> = {}) {
  return openLeases(join(folder, 'lease.json'), aMachine(folder), { ...aPlatform(), ...changes });
}

const RELEASE = { environment: 'local', purpose: 'release', actor: 'os:alice' } as const;
const ROLLBACK = { environment: 'local', purpose: 'rollback', actor: 'os:bob' } as const;

/** The identity of a process that is killed a moment later. */
async function deadIdentity(): Promise<Platform['identity']> {
  const platform = aPlatform();
  const child = spawn('sleep', ['30']);
  const pid = child.pid ?? 0;
  const identity = { ...platform.identity, pid };
  // The lease is taken while it lives.
  setTimeout(() => child.kill('SIGKILL'), 300);
  return identity;
}

describe('a lease', () => {
  it('has one owner; whoever comes second is told who works there', async () => {
    const folder = await aFolder();
    const leases = await leasesIn(folder);
    const first = await leases.acquire(RELEASE);

    await expect(leases.acquire({ ...RELEASE, actor: 'os:bob' })).rejects.toMatchObject({
      code: 'environment-locked',
      message: expect.stringContaining('a release by os:alice'),
    });
    await first.release();

    const second = await leases.acquire({ ...RELEASE, actor: 'os:bob' });
    expect((await leases.current())?.owner.actor).toBe('os:bob');
    await second.release();
    expect(await leases.current()).toBeUndefined();
  });

  it('of eight that come at once goes to one', async () => {
    const folder = await aFolder();
    const leases = await leasesIn(folder);

    const settled = await Promise.allSettled(Array.from({ length: 8 }, () => leases.acquire(RELEASE)));

    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('of a process that died is taken over, with a higher token, and the dead owner may change nothing more', async () => {
    const folder = await aFolder();
    const dying = await leasesIn(folder, { identity: await deadIdentity() });
    const dead = await dying.acquire(RELEASE);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const leases = await leasesIn(folder);

    const taken = await leases.acquire({ ...RELEASE, actor: 'os:bob' });

    expect(taken.record.token).toBeGreaterThan(dead.record.token);
    await expect(dead.assertHeld()).rejects.toMatchObject({ code: 'lease-lost' });
    await dead.release();
    expect((await leases.current())?.owner.actor).toBe('os:bob');
  });

  it('of an owner on another computer is stale once its time is over by the clock of the target', async () => {
    const folder = await aFolder();
    const platform = aPlatform();
    const elsewhere = await leasesIn(folder, { identity: { ...platform.identity, host: 'another' } });
    const { record } = await elsewhere.acquire(RELEASE);
    const late = { ...aMachine(folder), now: async () => Date.now() + 61_000 };

    expect(await (await leasesIn(folder)).isStale(record)).toBe(false);
    expect(await openLeases(join(folder, 'lease.json'), late, platform).isStale(record)).toBe(true);
  });

  it('held by a person keeps releases out, lets the way back run, and is there again afterwards', async () => {
    const folder = await aFolder();
    const leases = await leasesIn(folder);
    await leases.hold({ environment: 'local', actor: 'os:carol', reason: 'month-end closing' });

    await expect(leases.acquire(RELEASE)).rejects.toMatchObject({ code: 'environment-held' });
    const rollback = await leases.acquire(ROLLBACK);
    await rollback.release();

    expect(await leases.current()).toMatchObject({
      purpose: 'hold',
      owner: { actor: 'os:carol' },
      reason: 'month-end closing',
      ttlMs: null,
    });
    expect(await leases.free()).toBe(true);
    expect(await leases.free()).toBe(false);
  });

  it('held by a person stays held when the rollback under it is killed', async () => {
    const folder = await aFolder();
    const leases = await leasesIn(folder);
    await leases.hold({ environment: 'local', actor: 'os:carol', reason: 'month-end closing' });
    const dying = await leasesIn(folder, { identity: await deadIdentity() });
    await dying.acquire(ROLLBACK);
    await new Promise((resolve) => setTimeout(resolve, 600));

    await expect(leases.acquire(RELEASE)).rejects.toMatchObject({
      code: 'environment-held',
      message: expect.stringContaining('month-end closing'),
    });
    const recovery = await leases.acquire({ ...ROLLBACK, purpose: 'recover' });
    await recovery.release();

    expect(await leases.current()).toMatchObject({ purpose: 'hold', owner: { actor: 'os:carol' } });
  });

  it('held by a person is never away for a moment when the rollback under it ends', async () => {
    const folder = await aFolder();
    const path = join(folder, 'lease.json');
    const { files } = aMachine(folder);
    const missing: string[] = [];
    const watched = <A extends unknown[], R>(name: string, change: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        const result = await change(...args);
        if ((await files.status(path)) === undefined) missing.push(name);
        return result;
      };
    };
    const watching = { ...files, remove: watched('remove', files.remove), write: watched('write', files.write) };
    const leases = openLeases(path, aMachine(folder, { files: watching }), aPlatform());
    await leases.hold({ environment: 'local', actor: 'os:carol' });
    const rollback = await leases.acquire(ROLLBACK);
    missing.length = 0;

    await rollback.release();

    expect(missing).toEqual([]);
    expect((await leases.current())?.purpose).toBe('hold');
  });

  it('given back while it is being renewed stays given back', async () => {
    const folder = await aFolder();
    const platform = aPlatform();
    const { files } = aMachine(folder);
    let renew = () => {};
    const every = (_ms: number, task: () => void) => {
      renew = task;
      return () => {};
    };
    const write: typeof files.write = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return files.write(...args);
    };
    const machine = aMachine(folder, { files: { ...files, write } });
    const leases = openLeases(join(folder, 'lease.json'), machine, {
      ...platform,
      clock: { ...platform.clock, every },
    });
    const lease = await leases.acquire(RELEASE);
    renew();
    await new Promise((resolve) => setTimeout(resolve, 30));

    await lease.release();
    await new Promise((resolve) => setTimeout(resolve, 150));

    expect(await leases.current()).toBeUndefined();
  });

  it('that cannot be read is an error, never a free environment', async () => {
    const folder = await aFolder();
    await writeFile(join(folder, 'lease.json'), 'not json');

    await expect((await leasesIn(folder)).acquire(RELEASE)).rejects.toMatchObject({ code: 'target-damaged' });
  });
});

describe('a lease that is taken over', () => {
  it('is never away for a moment, nor is the hold that it runs under', async () => {
    const folder = await aFolder();
    const path = join(folder, 'lease.json');
    const { files } = aMachine(folder);
    const seen: (string | undefined)[] = [];
    const other = await leasesIn(folder);
    const looking = <A extends unknown[], R>(change: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        const result = await change(...args);
        seen.push((await other.current())?.purpose);
        return result;
      };
    };
    await other.hold({ environment: 'local', actor: 'os:carol', reason: 'month-end closing' });
    const watched = {
      ...files,
      create: looking(files.create),
      rename: looking(files.rename),
      remove: looking(files.remove),
    };
    const leases = openLeases(path, aMachine(folder, { files: watched }), aPlatform());

    const rollback = await leases.acquire(ROLLBACK);

    expect(seen).toEqual(['hold', 'rollback']);
    expect(rollback.record.under).toMatchObject({ actor: 'os:carol' });
    await rollback.release();
  });

  it('can be taken although somebody was killed in the instant of taking it', async () => {
    const folder = await aFolder();
    const leases = await leasesIn(folder);
    await leases.hold({ environment: 'local', actor: 'os:carol' });
    const dying = await leasesIn(folder, { identity: await deadIdentity() });
    const dead = await dying.acquire(ROLLBACK);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await writeFile(join(folder, 'lease-next.json'), JSON.stringify(dead.record));

    const next = await leases.acquire(ROLLBACK);

    expect(next.record.token).toBeGreaterThan(dead.record.token);
    await next.release();
    expect((await leases.current())?.purpose).toBe('hold');
  });
});
