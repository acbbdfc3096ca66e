/**
 * What may be thrown on purpose. Verdicts are Reports, never exceptions; the host is the only catch.
 * Anything else that flies is a bug of ours and ends with exit code 70.
 */

export interface ErrorDetails {
  /** What the reader should do next, one sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Something the user can fix: exit code 2. `code` is kebab-case and stable. */
export class UserError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'UserError';
    this.code = code;
    this.hint = details.hint;
  }
}

/** A system outside of Holdfast failed (disk full, network, a command of the user's machine): exit code 3. */
export class OutsideError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'OutsideError';
    this.code = code;
    this.hint = details.hint;
  }
}

/** The live state is unknown or broken and a person is needed: exit code 4. */
export class UnsafeError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'UnsafeError';
    this.code = code;
    this.hint = details.hint;
  }
}

/** The run was asked to end (Ctrl-C, SIGTERM): exit code 130. */
export class Interrupted extends Error {
  constructor(message = 'interrupted') {
    super(message);
    this.name = 'Interrupted';
  }
}

/** Anything thrown, as text that fits into the middle of a sentence. */
export function errorMessage(error: unknown): string {
  if (error instanceof Error) return error.message;
  return String(error);
}

/** The system error code (`ENOENT`, `ECONNREFUSED`, …) of anything thrown, if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
