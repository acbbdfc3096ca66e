import type { CliAction } from '../src/hosts/cli-action.ts';
import { init } from '../src/init/init.ts';
import { diff, show } from '../src/inspect/capsules.ts';
import { releases } from '../src/inspect/releases.ts';
import { status } from '../src/inspect/status.ts';
import { lockHold, lockRelease, lockStatus } from '../src/lock/lock.ts';
import { run } from '../src/run/run.ts';

/** Every action, in the order in which help lists those of one group. */
export const actions: readonly CliAction[] = [
  status,
  releases,
  show,
  diff,
  lockStatus,
  lockHold,
  lockRelease,
  run,
  init,
];
