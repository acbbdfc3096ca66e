import type { Files } from '../platform/files.ts';
import type { Holder } from '../platform/holder.ts';
import type { Http } from '../platform/http.ts';
import type { Processes } from '../platform/processes.ts';
import type { Sqlite } from '../platform/sqlite.ts';

/**
 * The computer that a target is on: runs commands, reads and writes files, nothing else.
 * It speaks the same interfaces as the platform, so that whatever works here works over ssh.
 */
export interface Machine {
  /** For messages: `local`, or the name of the host. */
  readonly name: string;
  readonly files: Files;
  readonly processes: Processes;
  readonly sqlite: Sqlite;
  /** Keeps listening sockets between releases. */
  readonly holder: Holder;
  /** Requests that start on this machine, so that a service on its loopback address can be asked. */
  readonly http: Http;
  /** The machine's own clock, in milliseconds since 1970: leases are judged by it. */
  now(): Promise<number>;
  /** What every command and service gets: PATH, HOME and, where they are set, LANG and TZ. Nothing else. */
  readonly environment: Readonly<Record<string, string>>;
}
