export interface Measured {
  /** How many times the peer's figure ours is; smaller is better. */
  readonly ratio: number;
  /** What it should be at most. */
  readonly goal: number;
  /** Markdown for the page: the table and what it says. */
  readonly text: string;
}

/** The upper one of the two in the middle of an even number; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
