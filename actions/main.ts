import { backupCheck } from '../src/backup/check.ts';
import { backupCreate, backupVerify } from '../src/backup/create.ts';
import { backupPrune } from '../src/backup/prune.ts';
import { backupList, backupShow } from '../src/backup/show.ts';
import { configCheck, configEnv, configSchema, configShow } from '../src/config/commands.ts';
import { demo } from '../src/demo/demo.ts';
import type { CliAction } from '../src/hosts/cli-action.ts';
import { init } from '../src/init/init.ts';
import { diff, show } from '../src/inspect/capsules.ts';
import { releases } from '../src/inspect/releases.ts';
import { status } from '../src/inspect/status.ts';
import { lockHold, lockRelease, lockStatus } from '../src/lock/lock.ts';
import { run } from '../src/run/run.ts';
import { backupRestoreAction } from './backup-restore/action.ts';
import { deployAction } from './deploy/action.ts';
import { planAction } from './plan/action.ts';
import { promoteAction } from './promote/action.ts';
import { recoverAction } from './recover/action.ts';
import { releaseAction } from './release/action.ts';
import { rollbackAction } from './rollback/action.ts';

/** Every action, in the order in which help lists those of one group. */
export const actions: readonly CliAction[] = [
  planAction,
  releaseAction,
  rollbackAction,
  recoverAction,
  deployAction,
  promoteAction,
  backupCreate,
  backupList,
  backupShow,
  backupVerify,
  backupRestoreAction,
  backupPrune,
  backupCheck,
  status,
  releases,
  show,
  diff,
  lockStatus,
  lockHold,
  lockRelease,
  run,
  demo,
  init,
  configCheck,
  configShow,
  configSchema,
  configEnv,
];
