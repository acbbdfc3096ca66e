import { Buffer } from 'node:buffer';
import { OutsideError } from '../core/errors.ts';
import { connectApi, type GithubAccess, type GithubApi, notFound } from './github-api.ts';

/** What Holdfast asks of GitHub about one repository. Everything here only reads and is asked again when it fails. */
export interface Github {
  /** Name of the branch whose policy holds. */
  defaultBranch(): Promise<string>;
  /** The commit at the head of a branch, and whether rules protect it; undefined when there is no such branch. */
  branch(name: string): Promise<Branch | undefined>;
  /** The content of a file at a commit or branch; undefined when there is none. `path` is relative to the repository. */
  readFile(path: string, ref: string): Promise<Uint8Array | undefined>;
  /** Whether a commit is at the other one, or came before it. False when GitHub knows one of them no more. */
  isPartOf(commit: string, other: string): Promise<boolean>;
}

export interface Branch {
  readonly commit: string;
  readonly isProtected: boolean;
}

const permission = 'contents: read';

/**
 * GitHub through @actions/github. Each call rejects with UserError `github-refused` when the token may not ask, and with
 * OutsideError `github-unreachable` when GitHub gives no answer.
 */
export function connectGithub(access: GithubAccess, signal: AbortSignal): Github {
  return githubOver(connectApi(access, signal));
}

/** The same, over calls that others make too. */
export function githubOver({ owner, repo, ask }: Pick<GithubApi, 'owner' | 'repo' | 'ask'>): Github {
  return {
    async defaultBranch() {
      const question = { what: `read the repository ${owner}/${repo}`, permission };
      const answer = await ask(question, (octokit, request) => octokit.rest.repos.get({ owner, repo, request }));
      if (answer === undefined) throw notFound(question);
      return answer.data.default_branch;
    },
    async branch(name) {
      const answer = await ask({ what: `read the branch ${name}`, permission }, (octokit, request) =>
        octokit.rest.repos.getBranch({ owner, repo, branch: name, request }),
      );
      return answer && { commit: answer.data.commit.sha, isProtected: answer.data.protected };
    },
    async readFile(path, ref) {
      const answer = await ask({ what: `read ${path} at ${ref}`, permission }, (octokit, request) =>
        octokit.rest.repos.getContent({ owner, repo, path, ref, request }),
      );
      if (answer === undefined) return undefined;
      const { data } = answer;
      if (Array.isArray(data) || data.type !== 'file' || !('content' in data) || data.encoding !== 'base64') {
        throw new OutsideError('github-unreachable', `${path} at ${ref} is no file of under 1 MB`);
      }
      return Buffer.from(data.content, 'base64');
    },
    async isPartOf(commit, other) {
      const question = { what: `compare ${commit} with ${other}`, permission };
      const asked = { owner, repo, basehead: `${other}...${commit}`, per_page: 1 };
      const answer = await ask(question, (octokit, request) =>
        octokit.rest.repos.compareCommitsWithBasehead({ ...asked, request }),
      );
      return answer?.data.status === 'identical' || answer?.data.status === 'behind';
    },
  };
}
