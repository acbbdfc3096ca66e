/** What builds of earlier runs left, as a convenience: it may be gone at any time, and others may have written it. */
export interface BuildCache {
  /**
   * Unpacks what was saved under this key for these paths into an empty folder, where they lie as they lay below `root`.
   * False when there is nothing. Nothing is written outside of `into`. Rejects when the cache does not work.
   */
  restore(entry: CacheEntry, into: string): Promise<boolean>;
  /** Saves the paths, as far as they are there. Nothing is replaced. False when it was not kept. */
  save(entry: CacheEntry): Promise<boolean>;
}

export interface CacheEntry {
  /** Without a comma, of at most 400 characters. */
  readonly key: string;
  /** An existing folder. */
  readonly root: string;
  /** Relative to `root`, without `..`. */
  readonly paths: readonly string[];
}
