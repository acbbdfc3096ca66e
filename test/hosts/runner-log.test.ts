import { describe, expect, it } from '@jest/globals';
import { runnerLog } from '../../src/hosts/runner-log.ts';
import { fakeRunner } from './fake-runner.ts';

describe('the log of a job', () => {
  it('shows what a command of the user prints in the group of its step, masked and as no command of the runner', () => {
    const runner = fakeRunner();
    const log = runnerLog(runner, { now: () => 0, mask: (text) => text.replaceAll('hunter2', '***') });

    const step = log.step('build web');
    step.output('compiled \u001b[32mall\u001b[0m of hunter2');
    step.output('::add-mask::everything');
    step.output('##[error]of the build');
    step.note('only for debugging');
    step.end('proceed', '');

    const [group, first, second, third, ...rest] = runner.told;
    expect([group, first]).toEqual(['group build web', 'info compiled all of ***']);
    expect(second).not.toMatch(/^info ::/);
    expect(third).not.toMatch(/^info ##\[/);
    expect(rest).toEqual([
      'debug build web: only for debugging',
      'end of group',
      expect.stringContaining('✓ build web'),
    ]);
  });
});
