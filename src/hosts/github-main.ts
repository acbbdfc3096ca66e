import { EXIT } from '../core/report.ts';
import type { CliAction } from './cli-action.ts';
import { runOnGithub } from './github.ts';
import { listenForInterrupts } from './interrupt.ts';
import { hostPlatform } from './platform.ts';
import { actionsRunner } from './runner.ts';

/**
 * The program of one step: runs one action with what the runner gave to this process, and ends the process. The exit
 * code is 0 when the decision is to proceed and 1 when it is to stop; more than that a runner does not tell apart.
 */
export async function runStep(name: string, load: () => Promise<CliAction>): Promise<void> {
  // Node's own text for these names files of the bundle and may hold anything.
  process.on('uncaughtException', () => {
    process.stdout.write('::error::holdfast was ended by a bug of Holdfast\n', () => process.exit(EXIT.stop));
  });
  // A cancelled job sends SIGINT, then SIGTERM, then kills: the second is no reason to undo less.
  const signal = listenForInterrupts(
    process,
    () => {},
    () => performance.now(),
  );
  await runOnGithub(name, load, {
    runner: actionsRunner(process.env),
    env: process.env,
    cwd: process.cwd(),
    now: () => Date.now(),
    signal,
    platform: hostPlatform,
  });
  // Listening for signals, a kept connection or a timer would keep the process alive.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}
