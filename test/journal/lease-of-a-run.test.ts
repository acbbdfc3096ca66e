import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openLeases } from '../../src/journal/lease.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { aPlatform } from '../support/platform.ts';
import { aRun, aWorkflow, type FakeWorkflow } from '../support/workflow.ts';

const RELEASE = { environment: 'production', purpose: 'release', actor: 'user:1' } as const;
const ROLLBACK = { environment: 'production', purpose: 'rollback', actor: 'user:2' } as const;
const RECOVER = { environment: 'production', purpose: 'recover', actor: 'user:1' } as const;

/** A step of a job on a machine of its own. */
function stepOf(folder: string, workflow: FakeWorkflow | undefined, host = 'runner-1', now = () => Date.now()) {
  const platform = aPlatform();
  return openLeases(
    join(folder, 'lease.json'),
    { ...aMachine(folder), now: async () => now() },
    {
      ...platform,
      identity: { ...platform.identity, host },
      ...(workflow === undefined ? {} : { workflow }),
    },
  );
}

describe('the lease of a run of a workflow', () => {
  it('is kept from one step to the next, with a token that grows', async () => {
    const folder = await aFolder();
    const run = aWorkflow({ call: '0'.repeat(16) });
    const first = await stepOf(folder, run).acquire(RELEASE);
    await first.keep();

    const second = await stepOf(folder, run).acquire(RELEASE);

    expect(second.record.token).toBe(first.record.token + 1);
    await expect(first.assertHeld()).rejects.toMatchObject({ code: 'lease-lost' });
    await second.release();
    expect(await stepOf(folder, run).current()).toBeUndefined();
  });

  it('is taken up on another machine by a later job of the same call', async () => {
    const folder = await aFolder();
    const call = '1'.repeat(16);
    const release = aWorkflow({ call, job: 'release' });
    await (await stepOf(folder, release).acquire(RELEASE)).keep();

    const recovery = await stepOf(folder, aWorkflow({ call, job: 'recover' }), 'runner-2').acquire(RECOVER);

    expect(recovery.record).toMatchObject({ purpose: 'recover', owner: { run: { call } } });
    await recovery.release();
  });

  it('is not taken by another call in the same run, nor by another run', async () => {
    const folder = await aFolder();
    const first = aWorkflow({ id: 7, call: '1'.repeat(16) });
    await (await stepOf(folder, first).acquire(RELEASE)).keep();
    first.runs.set(7, aRun(7));

    const others = [aWorkflow({ id: 7, call: '2'.repeat(16), with: first }), aWorkflow({ id: 8, with: first })];
    for (const other of others) {
      await expect(stepOf(folder, other, 'runner-2').acquire(RELEASE)).rejects.toMatchObject({
        code: 'environment-locked',
        message: expect.stringContaining('run 7 of acme/shop'),
      });
    }
  });

  it('does not become free because the process of its last step has ended', async () => {
    const folder = await aFolder();
    const run = aWorkflow({ id: 7 });
    await (await stepOf(folder, run).acquire(RELEASE)).keep();

    await expect(stepOf(folder, aWorkflow({ id: 8, with: run })).acquire(RELEASE)).rejects.toMatchObject({
      code: 'environment-locked',
    });
  });

  it.each([
    ['that has ended', aRun(7, { hasEnded: true, conclusion: 'cancelled' })],
    ['of which there is a later attempt', aRun(7, { attempt: 2 })],
  ])('of a run %s is free for the next one at once', async (_, told) => {
    const folder = await aFolder();
    const dead = aWorkflow({ id: 7 });
    await (await stepOf(folder, dead).acquire(RELEASE)).keep();
    dead.runs.set(7, told);

    const next = await stepOf(folder, aWorkflow({ id: 8, with: dead }), 'runner-2').acquire(RELEASE);

    expect(next.record.owner.run?.id).toBe(8);
    await next.release();
  });

  it('is free after ten minutes without a word, where GitHub cannot be asked', async () => {
    const folder = await aFolder();
    const dead = aWorkflow({ id: 7 });
    await (await stepOf(folder, dead).acquire(RELEASE)).keep();
    const later = (ms: number) => stepOf(folder, undefined, 'laptop', () => Date.now() + ms);

    await expect(later(599_000).acquire(RELEASE)).rejects.toMatchObject({ code: 'environment-locked' });
    await (await later(601_000).acquire(RELEASE)).release();
  });
});

describe('a rollback that pre-empts', () => {
  it('takes the lease from a release at work, and tells whose it was', async () => {
    const folder = await aFolder();
    const release = await stepOf(folder, aWorkflow({ id: 7 })).acquire(RELEASE);

    const rollback = await stepOf(folder, aWorkflow({ id: 8 }), 'runner-2').acquire({ ...ROLLBACK, preempts: true });

    expect(rollback.preempted?.owner.run?.id).toBe(7);
    await expect(release.assertHeld()).rejects.toMatchObject({ code: 'lease-lost' });
    await release.release();
    await rollback.assertHeld();
    await rollback.release();
  });

  it('does not take it from another rollback', async () => {
    const folder = await aFolder();
    const first = await stepOf(folder, aWorkflow({ id: 7 })).acquire(ROLLBACK);

    const second = stepOf(folder, aWorkflow({ id: 8 }), 'runner-2').acquire({ ...ROLLBACK, preempts: true });

    await expect(second).rejects.toMatchObject({ code: 'environment-locked' });
    await first.release();
  });

  it('leaves a hold, which releases that waited meet while it works and afterwards', async () => {
    const folder = await aFolder();
    const leavesHold = 'v2 loses orders';
    const rollback = await stepOf(folder, aWorkflow({ id: 8 })).acquire({ ...ROLLBACK, leavesHold });
    const waiting = stepOf(folder, aWorkflow({ id: 9 }), 'runner-2');
    const refused = { code: 'environment-held', message: expect.stringContaining('(v2 loses orders)') };

    await expect(waiting.acquire(RELEASE)).rejects.toMatchObject(refused);
    await rollback.release();

    await expect(waiting.acquire(RELEASE)).rejects.toMatchObject(refused);
    expect(await waiting.current()).toMatchObject({ purpose: 'hold', owner: { actor: 'user:2' }, ttlMs: null });
  });

  it('leaves no hold of its own when nothing came of it, and the one that was there before all the same', async () => {
    const folder = await aFolder();
    const leases = stepOf(folder, undefined);
    await (await leases.acquire({ ...ROLLBACK, leavesHold: 'a slip of the hand' })).release('undone');
    expect(await leases.current()).toBeUndefined();

    await leases.hold({ environment: 'production', actor: 'os:carol', reason: 'month-end closing' });
    await (await leases.acquire({ ...ROLLBACK, leavesHold: 'a slip of the hand' })).release('undone');
    expect(await leases.current()).toMatchObject({ owner: { actor: 'os:carol' }, purpose: 'hold' });
  });

  it('leaves the hold that was there before as it was', async () => {
    const folder = await aFolder();
    const leases = stepOf(folder, undefined);
    await leases.hold({ environment: 'production', actor: 'os:carol', reason: 'month-end closing' });

    await (await leases.acquire({ ...ROLLBACK, leavesHold: 'another reason' })).release();

    expect(await leases.current()).toMatchObject({ owner: { actor: 'os:carol' }, reason: 'month-end closing' });
  });
});

describe('an owner whose lease was taken over in the moment in which it writes', () => {
  /** Files over which the lease is taken between a look of the owner and what the owner does next. */
  async function raced(act: 'write' | 'rename') {
    const folder = await aFolder();
    const { files } = aMachine(folder);
    const taker = openLeases(join(folder, 'lease.json'), aMachine(folder), {
      ...aPlatform(),
      workflow: aWorkflow({ id: 8 }),
    });
    let isArmed = false;
    const takeFirst = async () => {
      if (!isArmed) return;
      isArmed = false;
      await taker.acquire({ ...ROLLBACK, preempts: true });
    };
    const racing = {
      ...files,
      write: async (...args: Parameters<typeof files.write>) => {
        if (act === 'write') await takeFirst();
        return files.write(...args);
      },
      rename: async (...args: Parameters<typeof files.rename>) => {
        if (act === 'rename') await takeFirst();
        return files.rename(...args);
      },
    };
    const owner = openLeases(join(folder, 'lease.json'), aMachine(folder, { files: racing }), {
      ...aPlatform(),
      workflow: aWorkflow({ id: 7 }),
    });
    const lease = await owner.acquire(RELEASE);
    isArmed = true;
    return { lease, taker };
  }

  it('does not renew it over the other', async () => {
    const { lease, taker } = await raced('write');

    await lease.keep();

    expect((await taker.current())?.owner.run?.id).toBe(8);
  });

  it('does not give back what is the other’s', async () => {
    const { lease, taker } = await raced('rename');

    await lease.release();

    expect((await taker.current())?.owner.run?.id).toBe(8);
  });
});
