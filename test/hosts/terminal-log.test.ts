import { describe, expect, it } from '@jest/globals';
import { describeProgress } from '../../src/hosts/progress.ts';
import { progressLine } from '../../src/hosts/progress-line.ts';
import { type TerminalLogOptions, terminalLog } from '../../src/hosts/terminal-log.ts';
import { displayWidth } from '../../src/report/width.ts';
import { HOSTILE } from '../report/hostile.ts';
import { aScreen } from './screen.ts';

/** A log on a screen, with a clock that `pass` advances; redraws happen as time passes. */
function aLog(overrides: Partial<TerminalLogOptions> = {}, columns = 80, rows = 24) {
  const screen = aScreen(columns, rows);
  const timers = new Set<{ ms: number; task: () => void }>();
  let now = Date.parse('2026-11-22T10:15:00.000Z');
  const log = terminalLog({
    stream: screen,
    isTerminal: true,
    colour: false,
    width: columns,
    now: () => now,
    level: 'normal',
    mask: (text) => text.replaceAll('hunter2', '***'),
    every(ms, task) {
      const timer = { ms, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    ...overrides,
  });
  const pass = (ms: number) => {
    now += ms;
    for (const { task } of timers) task();
  };
  return { log, screen, pass, timers };
}

describe('the log in a terminal', () => {
  it('shows a step while it runs and leaves one line when it ends', () => {
    const { log, screen, pass } = aLog();
    const step = log.step('backup');

    pass(1200);
    expect(screen.text()).toEqual([expect.stringMatching(/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] backup {16}1\.2 s$/)]);
    step.end('proceed', '2 sources');

    expect(screen.text()).toEqual(['✓ backup                   1.2 s  2 sources']);
  });

  it('moves the bar, tells the numbers, the note, and how long it will take', () => {
    const { log, screen, pass } = aLog({}, 100);
    const step = log.step('backup');

    step.progress(5e6, 20e6, 'bytes');
    step.note('policies');
    pass(3000);
    expect(screen.text()[0]).toMatch(/ {2}████─{12} {2}5\.0 MB of 20\.0 MB {2}3\.0 s of about 12\.0 s {2}policies$/);
    step.progress(15e6, 20e6, 'bytes');
    pass(3000);

    expect(screen.text()[0]).toMatch(/ {2}█{12}──── {2}15\.0 MB of 20\.0 MB {2}6\.0 s of about 8\.0 s {2}policies$/);
    expect(screen.text()).toHaveLength(1);
  });

  it('tells the expected time that it was given, until it has passed', () => {
    const { log, screen, pass } = aLog({ expectedMs: (name) => (name === 'deploy' ? 4000 : undefined) });
    log.step('deploy');

    pass(1000);
    expect(screen.text()[0]).toContain('1.0 s of about 4.0 s');
    pass(4000);

    expect(screen.text()[0]).toMatch(/ 5\.0 s$/);
  });

  it('keeps a line for each open step, in the order in which they began; ended ones stand above', () => {
    const { log, screen, pass } = aLog();
    const first = log.step('layer application');
    const second = log.step('layer security');
    log.step('layer performance');

    pass(100);
    second.end('stop', '1 of 4 checks failed');
    first.end('skipped', '');

    expect(screen.text()).toEqual([
      '✗ layer security          100 ms  1 of 4 checks failed',
      '- layer application       100 ms',
      expect.stringMatching(/^. layer performance {5}0\.1 s$/),
    ]);
  });

  it('writes messages above the open steps', () => {
    const { log, screen } = aLog();
    log.step('deploy');

    log.info('two services');
    log.warn('the disk is nearly full');
    log.debug('not shown');

    expect(screen.text()).toEqual(['  two services', '! the disk is nearly full', expect.stringContaining('deploy')]);
  });

  it('shows notes and debugging as lines when it is verbose', () => {
    const { log, screen } = aLog({ level: 'verbose' });
    const step = log.step('deploy');

    step.note('started api');
    log.debug('flipped');
    step.end('proceed', 'done');

    expect(screen.text()).toEqual(['  deploy: started api', '  flipped', '✓ deploy                    0 ms  done']);
  });

  it('hides the cursor only while steps are open', () => {
    const { log, screen } = aLog();

    expect(screen.isCursorShown()).toBe(true);
    const step = log.step('deploy');
    expect(screen.isCursorShown()).toBe(false);
    step.end('proceed', '');

    expect(screen.isCursorShown()).toBe(true);
  });

  it('gives the terminal back when it is closed in the middle, once', () => {
    const { log, screen, pass, timers } = aLog();
    const step = log.step('deploy');
    pass(2500);

    log.close();
    log.close();
    step.end('stop', 'too late');

    expect(screen.text()).toEqual(['■ deploy                   2.5 s  was not finished']);
    expect(screen.isCursorShown()).toBe(true);
    expect(timers.size).toBe(0);
  });

  it('still writes what is said after it was closed', () => {
    const { log, screen } = aLog();
    log.close();

    log.warn('the lease could not be given back');

    expect(screen.text()).toEqual(['! the lease could not be given back']);
  });

  it('never draws more lines than the terminal has', () => {
    const { log, screen, pass } = aLog({}, 80, 6);

    for (let index = 0; index < 20; index += 1) log.step(`step ${index}`);
    pass(100);

    expect(screen.text()).toHaveLength(4);
    expect(screen.text().at(-1)).toBe('  and 17 more');
  });

  it.each([0, undefined])('draws in a terminal that tells %s columns', (columns) => {
    const screen = aScreen(80);
    const size = columns === undefined ? {} : { columns, rows: 0 };
    const { log, pass } = aLog({ stream: { write: (text) => screen.write(text), ...size } });

    log.step('deploy');
    pass(100);

    expect(screen.text().join()).toContain('deploy');
  });

  it('uses colours only when it is told to', () => {
    const plain = aLog();
    const coloured = aLog({ colour: true });

    for (const { log } of [plain, coloured]) log.step('deploy').end('proceed', 'done');

    expect(plain.screen.written()).not.toMatch(/\[\d+m/);
    expect(coloured.screen.written()).toContain('\u001b[32m✓\u001b[39m');
    expect(coloured.screen.text()).toEqual(plain.screen.text());
  });
});

describe('the log when it is piped', () => {
  it('is plain lines with the time', () => {
    const { log, screen, pass } = aLog({ isTerminal: false });
    const step = log.step('backup');

    pass(1500);
    log.warn('slow disk');
    step.end('proceed', '2 sources');
    log.info('done');

    expect(screen.written()).toBe(
      [
        '2026-11-22T10:15:00.000Z backup: began',
        '2026-11-22T10:15:01.500Z warning: slow disk',
        '2026-11-22T10:15:01.500Z backup: done after 1.5 s: 2 sources',
        '2026-11-22T10:15:01.500Z done',
        '',
      ].join('\n'),
    );
  });

  it('tells how far a long step is, at most every ten seconds', () => {
    const { log, screen, pass } = aLog({ isTerminal: false });
    const step = log.step('backup');

    for (let done = 1; done <= 25; done += 1) {
      pass(1000);
      step.progress(done, 25, 'files');
    }

    expect(screen.text().map((line) => line.slice(25))).toEqual([
      'backup: began',
      'backup: 10 of 25 files',
      'backup: 20 of 25 files',
    ]);
  });

  it('tells which steps were not finished when it is closed', () => {
    const { log, screen, pass } = aLog({ isTerminal: false });
    log.step('deploy');
    pass(2000);

    log.close();
    log.close();

    expect(screen.text().slice(1)).toEqual(['2026-11-22T10:15:02.000Z deploy: was not finished, after 2.0 s']);
  });
});

describe.each([true, false])('the quiet log (terminal: %s)', (isTerminal) => {
  it('writes warnings and steps that stopped, and nothing else', () => {
    const { log, screen } = aLog({ isTerminal, level: 'quiet' });

    log.info('a');
    log.debug('b');
    log.step('backup').end('proceed', 'c');
    log.warn('d');
    log.step('deploy').end('stop', 'e');
    log.close();

    expect(screen.text()).toEqual([
      '2026-11-22T10:15:00.000Z warning: d',
      '2026-11-22T10:15:00.000Z deploy: stopped after 0 ms: e',
    ]);
  });
});

describe.each(HOSTILE)('a log full of %s', (_name, text) => {
  it.each([true, false])('writes no control byte of it (terminal: %s)', (isTerminal) => {
    const { log, screen, pass } = aLog({ isTerminal, level: 'verbose', colour: isTerminal }, 10_000);

    const step = log.step(text);
    step.progress(1, 2, text);
    step.note(text);
    pass(100);
    log.info(text);
    log.warn(text);
    log.debug(text);
    step.end('stop', text);

    // The screen throws on control bytes and on sequences that are not ours.
    expect(screen.text().join('\n')).not.toMatch(/^\s*::|##\[|[\u202a-\u202e\u2066-\u2069]/m);
    expect(screen.isCursorShown()).toBe(true);
  });
});

describe('a secret', () => {
  it.each([true, false])('is masked wherever it stands (terminal: %s)', (isTerminal) => {
    const { log, screen, pass } = aLog({ isTerminal, level: 'verbose' });

    const step = log.step('login hunter2');
    step.note('with hunter2');
    step.progress(1, 2, 'hunter2');
    pass(20_000);
    log.info('hunter2');
    log.warn('hun\u001b[1mter2');
    log.debug('hunter2');
    step.end('proceed', 'hunter2');

    expect(screen.written()).not.toContain('hunter2');
    expect(screen.written()).toContain('***');
  });
});

describe('the line of a step', () => {
  const step = {
    name: 'backup',
    startedAtMs: 0,
    expectedMs: undefined,
    progress: { done: 1, total: 4, unit: 'files' },
    note: 'x'.repeat(200),
  };

  it.each([10, 20, 40, 60, 80, 200])('is at most %d columns wide', (columns) => {
    expect(displayWidth(progressLine(step, 5000, columns))).toBeLessThanOrEqual(columns);
  });

  it('has no bar where there is no room for it', () => {
    expect(progressLine({ ...step, note: '' }, 1000, 50)).toBe('backup                1 of 4 files  1.0 s');
  });

  it.each([
    { progress: { done: 3, total: 5, unit: 'checks' }, text: '3 of 5 checks' },
    { progress: { done: 7, total: 0, unit: 'rows' }, text: '7 rows' },
    { progress: { done: 1500, total: 3e6, unit: 'bytes' }, text: '1.5 kB of 3.0 MB' },
    { progress: { done: 2, total: 3, unit: '' }, text: '2 of 3' },
  ])('tells progress as "$text"', ({ progress, text }) => {
    expect(describeProgress(progress)).toBe(text);
  });
});
