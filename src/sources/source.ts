import type { Readable } from 'node:stream';
import type { Machine } from '../machines/machine.ts';

/** What a source is told about the place it works in. All paths are absolute paths of the machine. */
export interface SourceContext {
  readonly name: string;
  readonly machine: Machine;
  /** The root folder of the environment: relative paths without a service start here. */
  readonly root: string;
  /** The shared folder of a service. */
  sharedOf(service: string): string;
  /** The folder of holdfast.yml: where commands of the user run. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** One file of a dump. Paths are relative, with `/`, never absolute, never with `..`. */
export interface DumpEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  readonly mode: number;
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  /** For links: where it points, as it was written. */
  readonly linkTarget?: string;
  /** For files: opens the content; called once. */
  open?(): Promise<Readable>;
}

export interface DumpNotice {
  readonly path: string;
  readonly message: string;
}

export interface Dump {
  /** Parents before their content. */
  readonly entries: AsyncIterable<DumpEntry>;
  /** Files that were skipped or kept changing; complete when `entries` has ended. */
  readonly notices: readonly DumpNotice[];
  /** Removes temporary copies. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * State that a rollback can bring back. Nothing here decides when; the steps of a backup, a proof and a rollback do.
 * Every function may be called again after a crash and then ends in the same state.
 */
export interface Source {
  readonly kind: string;
  /** Changes exactly when the structure changes (schema, not rows). `undefined` where the kind has no structure. */
  fingerprint(): Promise<string | undefined>;
  /** Begins a consistent copy. Estimated size in bytes, for the disk check and progress. */
  estimate(): Promise<number>;
  dump(): Promise<Dump>;
  /**
   * Proves that the unpacked dump in `folder` restores: integrity, structure equal to `fingerprint`, for a command its
   * own restore into scratch. Changes nothing live. Rejects with an Error that says what does not hold.
   */
  prove(folder: string, fingerprint: string | undefined): Promise<void>;
  /**
   * Puts the unpacked dump in `folder` in place of the live state. The service is stopped.
   * The state that was live is kept in `aside` (an absent or empty folder when there was none); when `aside` exists
   * already, an earlier call was interrupted and what is live now is its half-done work.
   */
  restore(folder: string, aside: string): Promise<void>;
  /** Rejects when the live state is not that of `folder` (digests, integrity, structure). Called before the service starts again. */
  verify(folder: string, fingerprint: string | undefined): Promise<void>;
  /** What was written since the copy unpacked in `folder` was taken. Live state only read. */
  countWrites(folder: string): Promise<WritesSince>;
}

export interface WritesSince {
  /** Rows, files or the user's own count. */
  readonly count: number;
  readonly unit: 'rows' | 'files' | 'writes';
  /** For people: `policies: 3 rows written, 1 gone`. */
  readonly details: readonly string[];
}
