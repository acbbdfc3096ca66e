import type { Readable } from 'node:stream';

export interface StoredObject {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * Big immutable things by name. Written once, never modified; a partial write is never visible; a listing is complete;
 * deletion is the only change.
 */
export interface Store {
  readonly place: string;
  /**
   * Rejects with UserError `already-stored` when the name is taken, with OutsideError `disk-full` when there is no room;
   * in either case nothing of the new content is left.
   */
  put(name: string, content: Readable): Promise<StoredObject>;
  /** Rejects with OutsideError `not-stored` when there is none. */
  open(name: string): Promise<Readable>;
  list(prefix: string): Promise<StoredObject[]>;
  /** No error when there is none. */
  remove(name: string): Promise<void>;
}
