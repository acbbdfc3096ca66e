import type { BuildCache } from './build-cache.ts';
import { type Clock, systemClock } from './clock.ts';
import { createEnding, type Ending } from './ending.ts';
import { type Files, systemFiles } from './files.ts';
import { type SystemHolder, systemHolder } from './holder.ts';
import { type Http, systemHttp } from './http.ts';
import { type Identity, systemIdentity } from './identity.ts';
import type { Log } from './log.ts';
import { type Processes, systemProcesses } from './processes.ts';
import { type Random, systemRandom } from './random.ts';
import { type Sqlite, systemSqlite } from './sqlite.ts';
import type { Workflow } from './workflow.ts';

/** Every effect that Holdfast has. A function takes the slice that it uses as its last parameter. */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: Identity;
  readonly files: Files;
  readonly processes: Processes;
  readonly holder: SystemHolder;
  readonly http: Http;
  readonly sqlite: Sqlite;
  readonly log: Log;
  readonly ending: Ending;
  /** Undefined where no workflow runs: on a laptop. */
  readonly workflow?: Workflow;
  /** Undefined where nothing is kept between builds: everywhere but in a job of GitHub. */
  readonly buildCache?: BuildCache;
  /** Fires when the run shall end: Ctrl-C, SIGTERM, a time limit of the whole. */
  readonly signal: AbortSignal;
}

/** The real effects of this computer. `temporaryRoot` is where short-lived private folders go. */
export function systemPlatform(log: Log, signal: AbortSignal, temporaryRoot: string): Platform {
  return {
    clock: systemClock(),
    random: systemRandom(),
    identity: systemIdentity(),
    files: systemFiles(temporaryRoot),
    processes: systemProcesses(),
    holder: systemHolder(),
    http: systemHttp(),
    sqlite: systemSqlite(),
    log,
    ending: createEnding(),
    signal,
  };
}
