import { setTimeout as sleep } from 'node:timers/promises';
import type { getOctokit } from '@actions/github';
import { errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';

/** Calls of GitHub's API about one repository. */
export interface GithubApi {
  readonly owner: string;
  readonly repo: string;
  readonly token: string;
  /** The answer of a call that may be made twice, and is when GitHub fails; undefined for 404. */
  ask<T>(question: Question, call: Call<T>): Promise<T | undefined>;
  /**
   * The answer of a call that must not be done twice. After a failure that leaves open whether GitHub did it, `look`
   * says what is there: it is called before each further attempt, and its answer is as good as one of the call.
   */
  change<T>(question: Question, call: Call<T>, look: () => Promise<T | undefined>): Promise<T>;
}

/** What is asked for, to be told when it is refused. */
export interface Question {
  /** Completes "GitHub does not let this job …". */
  readonly what: string;
  /** What the token of the job needs for it, such as `contents: read`. */
  readonly permission: string;
}

export type Call<T> = (octokit: Octokit, request: RequestLimits) => Promise<T>;

type Octokit = ReturnType<typeof getOctokit>;

interface RequestLimits {
  readonly signal: AbortSignal;
}

export interface GithubAccess {
  readonly token: string;
  /** `owner/name`. */
  readonly repository: string;
  /** `https://api.github.com`, or that of a server. */
  readonly apiUrl: string;
}

const TIMEOUT_MS = 15_000;
/** Waits before another attempt, in milliseconds. */
const RETRY_AFTER_MS = [300, 1500];
/** Asking again cannot change these: no right, not there, not possible, not understood. */
const FINAL = new Set([400, 401, 403, 404, 409, 410, 422, 451]);

/**
 * GitHub through @actions/github, which is loaded with the first call. Calls reject with UserError `github-refused` when
 * the token may not ask, with OutsideError `github-unreachable` when GitHub gives no answer, and with Interrupted.
 */
export function connectApi({ token, repository, apiUrl }: GithubAccess, signal: AbortSignal): GithubApi {
  const [owner = '', repo = ''] = repository.split('/');
  let client: Promise<Octokit> | undefined;
  const connect = async () => (await import('@actions/github')).getOctokit(token, { baseUrl: apiUrl });

  const attempt = async <T>(question: Question, call: Call<T>, look: () => Promise<T | undefined>): Promise<T> => {
    client ??= connect();
    const octokit = await client;
    for (let count = 0; ; count += 1) {
      try {
        if (signal.aborted) throw new Interrupted();
        return await call(octokit, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
      } catch (error) {
        if (signal.aborted) throw new Interrupted();
        if (isFinal(error)) throw refusal(question, error);
        const waitMs = RETRY_AFTER_MS[count];
        await sleep(waitMs ?? 0);
        const done = await look();
        if (done !== undefined) return done;
        if (waitMs === undefined) throw refusal(question, error);
      }
    }
  };

  return {
    ...{ owner, repo, token },
    async ask(question, call) {
      try {
        return await attempt(question, call, async () => undefined);
      } catch (error) {
        if (causeStatus(error) === 404) return undefined;
        throw error;
      }
    },
    change: attempt,
  };
}

/** What GitHub's client threw, told as what it means for the job. */
export function refusal({ what, permission }: Question, cause: unknown): Error {
  const status = statusOf(cause);
  if ((status === 401 || status === 403 || status === 404) && !isTooOften(cause)) {
    return new UserError('github-refused', `GitHub does not let this job ${what} (${status})`, {
      hint: `Give this job, and a job that calls its workflow, "${permission}"; github-token takes a token of this repository.`,
      cause,
    });
  }
  const why = status === undefined ? errorMessage(cause) : `it answered ${status}, ${errorMessage(cause)}`;
  return new OutsideError('github-unreachable', `GitHub could not be asked to ${what}: ${why}`, { cause });
}

/** The refusal of a call that answers 404: not there, or not to be seen with this token. */
export function notFound(question: Question): Error {
  return refusal(question, { status: 404 });
}

/** The status of GitHub's answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}

/** The same of an error that was told as what it means. */
export function causeStatus(error: unknown): number | undefined {
  return error instanceof Error ? statusOf(error.cause) : undefined;
}

function isFinal(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && FINAL.has(status) && !isTooOften(error);
}

/** Has the status of a refusal, and passes. */
function isTooOften(error: unknown): boolean {
  return /rate limit/i.test(errorMessage(error));
}
