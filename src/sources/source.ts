import type { Readable } from 'node:stream';
import type { Machine } from '../machines/machine.ts';

/** What a source is told about the place it works in. All paths are absolute paths of the machine. */
export interface SourceContext {
  readonly name: string;
  readonly machine: Pick<Machine, 'environment' | 'files' | 'processes' | 'sqlite'>;
  /** The root folder of the environment: relative paths without a service start here. */
  readonly root: string;
  /** The shared folder of a service. */
  sharedOf(service: string): string;
  /** The folder of holdfast.yml: where commands of the user run. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/**
 * One file of a dump. Paths are relative, with `/`, never absolute, never with `..`; the first entry of a dump is its
 * own root, a directory whose path is empty. A dump without entries says that nothing was there.
 */
export interface DumpEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  /** Permission bits, without setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedMs: number;
  /** For files: exactly as many bytes as `open` gives. */
  readonly sizeBytes: number;
  /** For links: where it points, as it was written. */
  readonly linkTarget?: string;
  /** For files: opens the content; called once, before the next entry is asked for. */
  open?(): Promise<Readable>;
}

/** What a person should know of a copy: something was left out, or kept changing. */
export interface Notice {
  readonly path: string;
  readonly message: string;
}

export interface Dump {
  /** Parents before their content. */
  readonly entries: AsyncIterable<DumpEntry>;
  /** Files that were skipped or kept changing; complete when `entries` has ended. */
  readonly notices: readonly Notice[];
}

/**
 * State that a rollback can bring back. Nothing here decides when; the steps of a backup, a proof and a rollback do.
 * Every function may be called again after a crash and then ends in the same state.
 */
export interface Source {
  readonly name: string;
  readonly kind: string;
  /** Files and folders that belong to this source alone; two sources must not share one. */
  readonly paths: readonly string[];
  /** Changes exactly when the structure changes (schema, not rows). `undefined` where the kind has no structure. */
  fingerprint(): Promise<string | undefined>;
  /** Size of a copy in bytes, roughly, for the disk check and progress. */
  estimate(): Promise<number>;
  /** Begins a consistent copy. `scratch` is a private folder for temporary copies; the caller removes it. */
  dump(scratch: string): Promise<Dump>;
  /**
   * Proves that the unpacked dump in `folder` restores: integrity, structure equal to `fingerprint`, for a command its
   * own restore into scratch. Changes nothing live, nothing in `folder`. Rejects with an error that says what does not
   * hold. Answers what a person should know (a scratch that could not be cleaned up).
   */
  prove(folder: string, fingerprint: string | undefined, scratch: string): Promise<readonly Notice[]>;
  /**
   * Puts the unpacked dump in `folder` in place of the live state; `folder` stays as it is. The service is stopped.
   * The state that was live is kept in the folder `aside`, under its own names (an empty folder when there was none);
   * when `aside` exists already, an earlier call was interrupted and what is live now is its half-done work.
   */
  restore(folder: string, aside: string): Promise<readonly Notice[]>;
  /** Rejects when the live state is not that of `folder` (digests, integrity, structure). Called before the service starts again. */
  verify(folder: string, fingerprint: string | undefined): Promise<void>;
  /** What was written since the copy unpacked in `folder` was taken. Live state only read. */
  countWrites(folder: string): Promise<WritesSince>;
}

export interface WritesSince {
  /** Rows, files or the user's own count; undefined when it cannot be counted. */
  readonly count: number | undefined;
  readonly unit: 'rows' | 'files' | 'writes';
  /** For people: `policies: 3 rows written, 1 gone`. */
  readonly details: readonly string[];
}
