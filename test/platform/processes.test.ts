import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Interrupted } from '../../src/core/errors.ts';
import { systemProcesses } from '../../src/platform/processes.ts';
import { aFolder } from '../support/machine.ts';

const NEVER = new AbortController().signal;

/** Ends at once, and leaves a process in a session of its own that holds the outputs open. */
const LEAVES_A_DAEMON = ['sh', '-c', 'setsid sh -c "echo \\$\\$ >daemon; exec sleep 20" & exit 0'] as const;

describe('a command that leaves a daemon with its outputs', () => {
  it('is waited for no longer than its time', async () => {
    const folder = await aFolder();
    const startedAt = performance.now();

    const command = { argv: LEAVES_A_DAEMON, cwd: folder, env: { PATH: '/usr/bin:/bin' } };
    const outcome = await systemProcesses().run(command, { timeoutMs: 300 }, NEVER);

    expect(outcome).toMatchObject({ status: 0, timedOut: true });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    process.kill(Number(await readFile(join(folder, 'daemon'), 'utf8')));
  });

  it('does not keep an interrupted run from ending', async () => {
    const folder = await aFolder();
    const startedAt = performance.now();
    const command = { argv: LEAVES_A_DAEMON, cwd: folder, env: { PATH: '/usr/bin:/bin' } };

    const running = systemProcesses().run(command, { timeoutMs: 60_000 }, AbortSignal.timeout(300));

    await expect(running).rejects.toThrow(Interrupted);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    process.kill(Number(await readFile(join(folder, 'daemon'), 'utf8')));
  });
});
