export interface Measured {
  /** How many times the peer's figure ours is; smaller is better. */
  readonly ratio: number;
  /** What it should be at most. */
  readonly goal: number;
  /** Markdown for the page: the table and what it says. */
  readonly text: string;
}
