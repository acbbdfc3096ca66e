import { describe, expect, it } from '@jest/globals';
import { OutsideError, UserError } from '../../src/core/errors.ts';
import { DONE, type Step } from '../../src/core/step.ts';
import { openJournal } from '../../src/journal/journal.ts';
import type { Lease } from '../../src/journal/lease.ts';
import { walk } from '../../src/journal/walk.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type StepLog, silentLog } from '../../src/platform/log.ts';
import { aFolder, aMachine } from '../support/machine.ts';

const FLIP: Step = { name: 'flip', summary: 'switch to v2', run: async () => DONE };

async function aWalk(assertHeld: () => Promise<void>) {
  const folder = await aFolder();
  const journal = openJournal(folder, aMachine(folder));
  await journal.begin({ run: 'r-1', kind: 'deploy', release: 'r-1', previous: 'r-0', actor: 'os:alice' });
  const ended: string[] = [];
  const step: StepLog = { ...silentLog().step(''), end: (decision, summary) => ended.push(`${decision} ${summary}`) };
  // Of the lease a walk asks one thing.
  const lease = { assertHeld } as Lease;
  const log = { ...silentLog(), step: () => step };
  const signal = new AbortController().signal;
  return {
    journal,
    ended,
    begin: (steps: Step[]) => walk('r-1', steps, { journal, lease, clock: systemClock(), log, signal }),
  };
}

describe('a walk', () => {
  it('tells people what they should know of a step that is done', async () => {
    const { begin, ended } = await aWalk(async () => {});

    await begin([{ ...FLIP, run: async () => ({ outcome: 'done', note: '1 of 2 had to be killed' }) }]);

    expect(ended).toEqual(['proceed 1 of 2 had to be killed']);
  });

  it('writes that a step was refused when somebody else took the lease over', async () => {
    const { begin, journal } = await aWalk(async () => {
      throw new UserError('lease-lost', 'the lease of local was taken over by another run');
    });

    await expect(begin([FLIP])).rejects.toMatchObject({ code: 'lease-lost' });
    expect((await journal.read('r-1'))?.lines.at(-1)).toMatchObject({ line: 'result', reason: 'lease-lost' });
  });

  it('says nothing of the lease when it could not look', async () => {
    const { begin, journal } = await aWalk(async () => {
      throw new OutsideError('connection-lost', 'the connection to app1 was lost');
    });

    await expect(begin([FLIP])).rejects.toMatchObject({ code: 'connection-lost' });
    expect((await journal.read('r-1'))?.inFlight).toBe('flip');
  });
});
