import { spawn } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { planChecks } from '../../src/checks/catalogue.ts';
import type { Observed } from '../../src/checks/check.ts';
import { parseDf } from '../../src/checks/infrastructure.ts';
import { runChecks } from '../../src/checks/run.ts';
import type { ProcessId } from '../../src/platform/processes.ts';
import { aMachine } from '../support/machine.ts';
import { anObserved, aServer, checkOf } from './observed.ts';

async function outcomeOf(observed: Observed, id: string): Promise<string> {
  const [finding] = await runChecks([checkOf(planChecks(observed), id)], undefined, observed);
  return `${finding?.outcome}: ${finding?.message}`;
}

function withProcess(observed: Observed, process: ProcessId): Observed {
  return {
    ...observed,
    services: observed.services.map((status) => ({ ...status, instances: [{ process, alive: true }] })),
  };
}

describe('process-running', () => {
  it('passes while every process stays the same', async () => {
    const observed = await anObserved({ port: 1 });

    expect(await outcomeOf(observed, 'process-running:api')).toBe('pass: api runs in 1 of 1 processes');
  });

  it('fails when a process ends while it is watched', async () => {
    const child = spawn('sleep', ['0.3'], { stdio: 'ignore' });
    const observed = await anObserved({ port: 1 });
    const id = await observed.machine.processes.identify(child.pid ?? 0);
    if (id === undefined) throw new Error('the child is gone');

    const outcome = await outcomeOf(withProcess(observed, id), 'process-running:api');

    expect(outcome).toBe('fail: 1 of 1 processes of api ended within a second');
  });

  it('fails when another process has the number of the one that was started', async () => {
    const observed = await anObserved({ port: 1 });
    const stranger = { pid: process.pid, startTime: 'earlier:1' };

    expect(await outcomeOf(withProcess(observed, stranger), 'process-running:api')).toBe(
      'fail: api runs in 0 instead of 1 processes',
    );
  });
});

describe('port-open', () => {
  it('passes when the process of the service listens', async () => {
    const port = await aServer((_, response) => response.end());

    expect(await outcomeOf(await anObserved({ port }), 'port-open:api:http')).toBe(
      `pass: api listens on port ${port} (http)`,
    );
  });

  it('fails when nobody listens', async () => {
    expect(await outcomeOf(await anObserved({ port: 1 }), 'port-open:api:http')).toBe(
      'fail: port 1 (http) of api does not take connections',
    );
  });

  it('fails when another process listens', async () => {
    const port = await aServer((_, response) => response.end());
    const observed = await anObserved({ port });
    const { machine } = observed;
    const changed = { ...machine, processes: { ...machine.processes, groupMembers: async () => [1] } };

    expect(await outcomeOf({ ...observed, machine: changed }, 'port-open:api:http')).toBe(
      `fail: another process than api listens on port ${port} (http)`,
    );
  });

  it('does not know when it cannot see who listens', async () => {
    const port = await aServer((_, response) => response.end());
    const observed = await anObserved({ port });
    const { machine } = observed;
    const blind = { ...machine.processes, listeners: async () => ({ listening: true, pids: [] }) };

    expect(await outcomeOf({ ...observed, machine: { ...machine, processes: blind } }, 'port-open:api:http')).toBe(
      `unknown: port ${port} (http) of api is open, but which process listens cannot be seen`,
    );
  });
});

describe('disk-free', () => {
  const gib = 1024 * 1024;
  it.each([
    { name: 'much', used: 50 * gib, available: 50 * gib, expected: 'pass' },
    { name: 'little', used: 93 * gib, available: 7 * gib, expected: 'warn' },
    { name: 'almost nothing', used: 97 * gib, available: 3 * gib, expected: 'fail' },
    { name: 'a small part of a large disk', used: 9700 * gib, available: 300 * gib, expected: 'pass' },
  ])('judges $name left', async ({ used, available, expected }) => {
    const stdout = `Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a ${used + available} ${used} ${available} 50% /\n`;
    const machine = aMachine('/tmp');
    const run = async () => ({ status: 0, signal: undefined, timedOut: false, stdout, stderr: '' });
    const observed = await anObserved(
      { port: 1 },
      { machine: { ...machine, processes: { ...machine.processes, run } } },
    );

    expect(await outcomeOf(observed, 'disk-free')).toMatch(new RegExp(`^${expected}: `));
  });

  it('sees the disk of this computer', async () => {
    const observed = await anObserved({ port: 1 });

    const evidence = await checkOf(planChecks(observed), 'disk-free').collect(observed.signal);

    expect(evidence).toEqual({ availableBytes: expect.any(Number), usedBytes: expect.any(Number) });
  });

  it.each([
    { text: '', expected: undefined },
    { text: 'df: /x: No such file or directory', expected: undefined },
    {
      text: 'Filesystem 1024-blocks Used Available Capacity Mounted on\n//host/a b 10 4 6 40% /mnt/a b\n',
      expected: 4096,
    },
  ])('reads $text', ({ text, expected }) => {
    expect(parseDf(text)?.usedBytes).toBe(expected);
  });
});
