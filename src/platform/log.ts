/**
 * Progress, for people. Everything that decides anything is in the Report; a log line is never read back.
 * Texts are plain; the host masks secrets and adds colour.
 */
export interface Log {
  /** Begins a step; the host shows it until `end`. */
  step(name: string): StepLog;
  info(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
}

export interface StepLog {
  /** How far it is, where there is something to measure: bytes, checks, a streak. */
  progress(done: number, total: number, unit: string): void;
  note(message: string): void;
  /** One line of what a command of the user printed, for whoever has to mend it. */
  output(line: string): void;
  end(decision: 'proceed' | 'stop' | 'skipped', summary: string): void;
}

/** Says nothing: for tests, and for runs inside of runs. */
export function silentLog(): Log {
  const step: StepLog = { progress() {}, note() {}, output() {}, end() {} };
  return { step: () => step, info() {}, warn() {}, debug() {} };
}
