/**
 * A change is a list of steps: data that the code walks, a dry run prints and recovery reads.
 * Every step may run again after a crash and then ends in the same state.
 */
export interface Step {
  /** Stable kebab-case, unique in its list, with the service where there is one per service: `start:api`. */
  readonly name: string;
  /** What it will do, for `plan` and for progress: one sentence without a full stop. */
  readonly summary: string;
  /** It changes nothing: until then a release has left no trace in what runs. */
  readonly looks?: true;
  run(progress: StepProgress): Promise<StepResult>;
}

/** What a step may tell while it runs. */
export interface StepProgress {
  progress(done: number, total: number, unit: string): void;
  note(message: string): void;
}

export type StepResult = StepDone | StepFailed;

export interface StepDone {
  readonly outcome: 'done';
  /** Small facts for the journal: no secrets. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  /** What people should know of it although it is done. */
  readonly note?: string;
}

/** The step could tell that it failed, and why: a verdict, not an exception. */
export interface StepFailed {
  readonly outcome: 'failed';
  /** Stable kebab-case. */
  readonly reason: string;
  readonly message: string;
  readonly remedy?: string;
}

export const DONE: StepDone = { outcome: 'done' };
