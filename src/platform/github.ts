import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import type { getOctokit } from '@actions/github';
import { errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';

/** What Holdfast asks of GitHub about one repository. Everything here only reads and is asked again when it fails. */
export interface Github {
  /** Name of the branch whose policy holds. */
  defaultBranch(): Promise<string>;
  /** The commit at the head of a branch, and whether rules protect it; undefined when there is no such branch. */
  branch(name: string): Promise<Branch | undefined>;
  /** The content of a file at a commit or branch; undefined when there is none. `path` is relative to the repository. */
  readFile(path: string, ref: string): Promise<Uint8Array | undefined>;
}

export interface Branch {
  readonly commit: string;
  readonly isProtected: boolean;
}

export interface GithubAccess {
  readonly token: string;
  /** `owner/name`. */
  readonly repository: string;
  /** `https://api.github.com`, or that of a server. */
  readonly apiUrl: string;
}

type Octokit = ReturnType<typeof getOctokit>;

const TIMEOUT_MS = 15_000;
/** Waits before another attempt, in milliseconds. */
const RETRY_AFTER_MS = [300, 1500];
/** Asking again cannot change these: no right, not there, not understood. */
const FINAL = new Set([400, 401, 403, 404, 410, 422, 451]);

/**
 * GitHub through @actions/github. Each call rejects with UserError `github-refused` when the token may not ask, and with
 * OutsideError `github-unreachable` when GitHub gives no answer.
 */
export function connectGithub({ token, repository, apiUrl }: GithubAccess, signal: AbortSignal): Github {
  const [owner = '', repo = ''] = repository.split('/');
  let client: Promise<Octokit> | undefined;
  const connect = async () => (await import('@actions/github')).getOctokit(token, { baseUrl: apiUrl });

  /** The answer of an idempotent call; undefined for 404. */
  const ask = async <T>(what: string, call: (octokit: Octokit, request: RequestLimits) => Promise<T>) => {
    client ??= connect();
    const octokit = await client;
    for (let attempt = 0; ; attempt += 1) {
      if (signal.aborted) throw new Interrupted();
      try {
        return await call(octokit, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
      } catch (error) {
        const status = statusOf(error);
        const waitMs = RETRY_AFTER_MS[attempt];
        if (status === 404) return undefined;
        if (isFinal(error) || waitMs === undefined) throw refusal(what, status, error);
        await sleep(waitMs);
      }
    }
  };

  return {
    async defaultBranch() {
      const answer = await ask(`the repository ${repository}`, (octokit, request) =>
        octokit.rest.repos.get({ owner, repo, request }),
      );
      if (answer === undefined) throw refusal(`the repository ${repository}`, 404, undefined);
      return answer.data.default_branch;
    },
    async branch(name) {
      const answer = await ask(`the branch ${name}`, (octokit, request) =>
        octokit.rest.repos.getBranch({ owner, repo, branch: name, request }),
      );
      return answer && { commit: answer.data.commit.sha, isProtected: answer.data.protected };
    },
    async readFile(path, ref) {
      const answer = await ask(`${path} at ${ref}`, (octokit, request) =>
        octokit.rest.repos.getContent({ owner, repo, path, ref, request }),
      );
      if (answer === undefined) return undefined;
      const { data } = answer;
      if (Array.isArray(data) || data.type !== 'file' || !('content' in data) || data.encoding !== 'base64') {
        throw new OutsideError('github-unreachable', `${path} at ${ref} is no file of under 1 MB`);
      }
      return Buffer.from(data.content, 'base64');
    },
  };
}

interface RequestLimits {
  readonly signal: AbortSignal;
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}

function isFinal(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && FINAL.has(status) && !isTooOften(error);
}

/** Has the status of a refusal, and passes. */
function isTooOften(error: unknown): boolean {
  return /rate limit/i.test(errorMessage(error));
}

function refusal(what: string, status: number | undefined, cause: unknown): Error {
  if ((status === 401 || status === 403 || status === 404) && !isTooOften(cause)) {
    return new UserError('github-refused', `GitHub does not let this job read ${what} (${status})`, {
      hint: 'Give the job "contents: read", and the input github-token a token of this repository.',
      cause,
    });
  }
  const why = status === undefined ? errorMessage(cause) : `it answered ${status}, ${errorMessage(cause)}`;
  return new OutsideError('github-unreachable', `GitHub could not be asked for ${what}: ${why}`, { cause });
}
