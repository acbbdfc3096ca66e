import { alertRoute, alertTest } from '../src/alert/commands.ts';
import { authorizeAction } from '../src/authorize/command.ts';
import { backupCheck } from '../src/backup/check.ts';
import { backupCreate, backupVerify } from '../src/backup/create.ts';
import { backupPrune } from '../src/backup/prune.ts';
import { backupList, backupShow } from '../src/backup/show.ts';
import { complianceExplain } from '../src/compliance/explain.ts';
import { configCheck, configEnv, configSchema, configShow } from '../src/config/commands.ts';
import { demo } from '../src/demo/demo.ts';
import type { CliAction } from '../src/hosts/cli-action.ts';
import { init } from '../src/init/init.ts';
import { diff, show } from '../src/inspect/capsules.ts';
import { releases } from '../src/inspect/releases.ts';
import { status } from '../src/inspect/status.ts';
import { lockHold, lockRelease, lockStatus } from '../src/pipeline/lock.ts';
import { start, stop } from '../src/pipeline/running.ts';
import { run } from '../src/run/run.ts';
import { baselineAccept, baselineDiff, baselineRecord, baselineShow } from '../src/validate/baselines.ts';
import { validateAction } from '../src/validate/command.ts';
import { backupRestoreAction } from './backup-restore/action.ts';
import { complianceAction } from './compliance/action.ts';
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
  start,
  stop,
  authorizeAction,
  deployAction,
  validateAction,
  complianceAction,
  complianceExplain,
  promoteAction,
  alertTest,
  alertRoute,
  backupCreate,
  backupList,
  backupShow,
  backupVerify,
  backupRestoreAction,
  backupPrune,
  backupCheck,
  baselineRecord,
  baselineShow,
  baselineDiff,
  baselineAccept,
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
