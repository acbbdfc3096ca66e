import type { Readable } from 'node:stream';

export interface StoredObject {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * Big immutable things by name. Written once, never modified; a partial write is never visible; a listing is complete;
 * deletion is the only change. Names are letters, digits, `.`, `_` and `-`, beginning with a letter or digit.
 */
export interface Store {
  /** For messages: where it is. */
  readonly place: string;
  /**
   * Rejects with UserError `already-stored` when the name is taken, with OutsideError `disk-full` when there is no room;
   * in either case, and when `content` fails, nothing of the new content is left.
   */
  put(name: string, content: Readable): Promise<StoredObject>;
  /** Rejects with OutsideError `not-stored` when there is none. */
  open(name: string): Promise<Readable>;
  /** Sorted by name; empty when nothing was ever stored. */
  list(prefix: string): Promise<StoredObject[]>;
  /** No error when there is none. */
  remove(name: string): Promise<void>;
  /** Bytes that fit; undefined where the store does not know. */
  freeBytes(): Promise<number | undefined>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** Throws when a name could mean anything but one object of the store; every store asks it first. */
export function assertStorable(name: string): void {
  if (!NAME.test(name)) throw new TypeError(`"${name}" cannot be the name of a stored object`);
}
