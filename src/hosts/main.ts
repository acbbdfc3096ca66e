import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { actions } from '../../actions/main.ts';
import { errorCode } from '../core/errors.ts';
import { EXIT } from '../core/report.ts';
import { runCli } from './cli.ts';
import { listenForInterrupts } from './interrupt.ts';
import { hostPlatform } from './platform.ts';

/**
 * The program: runs the command line of this process and ends the process with its exit code.
 * `root` is the folder of package.json.
 */
export async function main(root: string): Promise<void> {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever read our output has gone (`holdfast releases | head`). What was begun is finished all the same.
    stream.on('error', (error) => {
      if (!['EPIPE', 'EIO'].includes(errorCode(error) ?? '')) throw error;
    });
  }
  // Node's own exit code for these is 1, which would read as a verdict.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`holdfast: ended by a bug of Holdfast: ${error.stack ?? error.message}\n`);
    process.exit(EXIT.bug);
  });
  const endNow = () => {
    // The progress lines hide the cursor and get no chance to give it back.
    if (process.stderr.isTTY) process.stderr.write('\u001b[?25h');
    process.exit(EXIT.interrupted);
  };
  const signal = listenForInterrupts(process, endNow, () => performance.now());
  process.exitCode = await runCli(process.argv.slice(2), actions, {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    version,
    now: () => Date.now(),
    signal,
    platform: hostPlatform,
  });
  // Listening for signals, a kept connection or a timer would keep the process alive.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}
