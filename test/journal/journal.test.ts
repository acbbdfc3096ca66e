import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openJournal, parseRun, REFUSED } from '../../src/journal/journal.ts';
import { planRecovery } from '../../src/recover/recover.ts';
import { aFolder, aMachine } from '../support/machine.ts';

const BEGIN = { run: 'r-1', kind: 'deploy', release: 'r-1', previous: 'r-0', actor: 'os:alice' } as const;

describe('a journal', () => {
  it('tells each run as it was written, and which ones never ended', async () => {
    const folder = await aFolder();
    const journal = openJournal(folder, aMachine(folder));
    await journal.begin(BEGIN);
    await journal.write('r-1', { line: 'intent', step: 'stop:web' });
    await journal.write('r-1', { line: 'result', step: 'stop:web', outcome: 'done', facts: { stopped: 1 } });
    await journal.write('r-1', { line: 'intent', step: 'flip' });
    await journal.begin({ ...BEGIN, run: 'r-2' });
    await journal.write('r-2', { line: 'end', outcome: 'finished' });

    const open = await journal.open();

    expect(open.map(({ header }) => header.run)).toEqual(['r-1']);
    expect([...(open[0]?.begun ?? [])]).toEqual(['stop:web', 'flip']);
    expect([...(open[0]?.done ?? [])]).toEqual(['stop:web']);
  });

  it('does not count a step as begun that was refused because the lease was gone', async () => {
    const folder = await aFolder();
    const journal = openJournal(folder, aMachine(folder));
    await journal.begin(BEGIN);
    await journal.write('r-1', { line: 'intent', step: 'stop:web' });
    await journal.write('r-1', { line: 'intent', step: 'flip' });
    await journal.write('r-1', { line: 'intent', step: 'flip' });
    await journal.write('r-1', { line: 'result', step: 'stop:web', outcome: 'failed', ...REFUSED });
    await journal.write('r-1', { line: 'result', step: 'flip', outcome: 'failed', ...REFUSED });

    const run = await journal.read('r-1');

    expect([...(run?.begun ?? [])]).toEqual(['flip']);
    expect([...(run?.touching ?? [])]).toEqual(['flip']);
    expect(run?.inFlight).toBe(undefined);
  });

  it('begins a run only once', async () => {
    const folder = await aFolder();
    const journal = openJournal(folder, aMachine(folder));
    await journal.begin(BEGIN);

    await expect(journal.begin(BEGIN)).rejects.toThrow('the run r-1 has a journal already');
  });

  it('leaves out a last line that was torn, and calls one in the middle damage', async () => {
    const folder = await aFolder();
    const journal = openJournal(folder, aMachine(folder));
    await journal.begin(BEGIN);
    await journal.write('r-1', { line: 'intent', step: 'flip' });
    await appendFile(join(folder, 'r-1.jsonl'), '{"line":"result","step":"fl');

    const torn = await journal.read('r-1');

    expect([...(torn?.begun ?? [])]).toEqual(['flip']);
    expect(torn?.done.size).toBe(0);
    const text = '{"line":"nonsense"}\n{"line":"intent","step":"flip","at":"2026-11-22T10:00:00.000Z"}\n';
    expect(() => parseRun(text, 'r-9.jsonl')).toThrow('line 1 of r-9.jsonl is not what Holdfast wrote');
  });
});

describe('a journal whose last line was torn', () => {
  it('goes on after its last whole line, when the next process writes', async () => {
    const folder = await aFolder();
    await openJournal(folder, aMachine(folder)).begin(BEGIN);
    await appendFile(join(folder, 'r-1.jsonl'), '{"line":"intent","step":"fl');
    const journal = openJournal(folder, aMachine(folder));

    await journal.write('r-1', { line: 'mark', mark: 'rolling-back' });

    const run = await journal.read('r-1');
    expect([...(run?.marks ?? [])]).toEqual(['rolling-back']);
    expect(run?.begun.size).toBe(0);
  });

  it('goes on also in the process whose write failed halfway, as on a full disk', async () => {
    const folder = await aFolder();
    const machine = aMachine(folder);
    let isFull = false;
    const append = async (path: string, text: string, mode?: number) => {
      await machine.files.append(path, isFull ? text.slice(0, 20) : text, mode);
      if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    const journal = openJournal(folder, aMachine(folder, { files: { ...machine.files, append } }));
    await journal.begin(BEGIN);
    await journal.write('r-1', { line: 'intent', step: 'flip' });
    isFull = true;
    await expect(journal.write('r-1', { line: 'intent', step: 'start:web' })).rejects.toThrow('no space left');
    isFull = false;

    await journal.write('r-1', { line: 'end', outcome: 'undone' });

    const run = await journal.read('r-1');
    expect(run?.ended).toBe(true);
    expect([...(run?.begun ?? [])]).toEqual(['flip']);
  });
});

describe('what recovery does', () => {
  const at = '2026-11-22T10:00:00.000Z';
  const line = (value: object) => JSON.stringify({ ...value, at });
  const run = (...lines: object[]) =>
    parseRun([{ schema: 1, line: 'begin', ...BEGIN }, ...lines].map(line).join('\n'), 'r-1');

  it.each([
    { name: 'nothing where no run is open', open: [], expected: 'nothing' },
    {
      name: 'discards what only looked',
      open: [run({ line: 'intent', step: 'check-ports', looks: true })],
      expected: 'discard',
    },
    {
      name: 'goes back once something was touched',
      open: [run({ line: 'intent', step: 'stop:web' })],
      expected: 'fall-back',
    },
    {
      name: 'goes back from what was live but never promoted',
      open: [run({ line: 'intent', step: 'flip' }, { line: 'mark', mark: 'deployed' })],
      expected: 'fall-back',
    },
    {
      name: 'finishes a promotion that had begun',
      open: [
        run({ line: 'intent', step: 'flip' }, { line: 'mark', mark: 'deployed' }, { line: 'mark', mark: 'promoted' }),
      ],
      expected: 'finish-promotion',
    },
    {
      name: 'finishes a rollback before it looks at what was rolled back',
      open: [
        run({ line: 'intent', step: 'flip' }),
        parseRun(line({ schema: 1, line: 'begin', ...BEGIN, run: 'rb-1', kind: 'rollback', data: 'restore' }), 'rb-1'),
      ],
      expected: 'finish-rollback',
    },
  ])('$name', ({ open, expected }) => {
    expect(planRecovery(open)).toBe(expected);
  });
});
