import { execFileSync } from 'node:child_process';

/** A person or a program that GitHub knows. */
export interface Account {
  readonly id: number;
  readonly login: string;
}

/** A repository whose contents are those of a git folder on this computer. */
export interface Repository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  /** A folder in which git finds the repository. */
  readonly folder: string;
  readonly protectedBranches: readonly string[];
}

/** One run of a workflow. */
export interface Run {
  readonly id: number;
  readonly headSha: string;
  readonly headBranch: string;
  readonly event: string;
  readonly actor: Account;
  /** Null while a job of it goes on. */
  readonly conclusion: string | null;
  readonly path: string;
  /** How often it was started, 1 by default. */
  readonly attempt?: number;
  /** Who started this attempt; the actor by default. */
  readonly triggeringActor?: Account;
  /** The repository that its commit is of, where that is another: a fork. */
  readonly fork?: Pick<Repository, 'id' | 'owner' | 'name'>;
}

/** An artifact that is complete. `expired` ones are listed and not handed out. */
export interface Artifact {
  readonly id: number;
  readonly name: string;
  readonly runId: number;
  /** The job that made it, as its token names it. */
  readonly jobId: string;
  readonly bytes: Buffer;
  /** `sha256:<hex>` of the bytes. */
  readonly digest: string;
  readonly contentType: string;
  readonly createdAt: string;
  readonly expired: boolean;
}

export interface DeploymentStatus {
  readonly id: number;
  readonly state: string;
  readonly description: string;
  readonly environment: string;
  readonly environmentUrl: string;
  readonly logUrl: string;
  readonly createdAt: string;
}

export interface Deployment {
  readonly id: number;
  readonly ref: string;
  readonly sha: string;
  readonly task: string;
  readonly environment: string;
  readonly description: string;
  readonly payload: unknown;
  readonly createdAt: string;
  readonly creator: Account;
  /** The newest first, as GitHub lists them. */
  readonly statuses: DeploymentStatus[];
}

/** Who said yes or no to a run that waited for its environment. */
export interface Approval {
  readonly runId: number;
  readonly environment: string;
  readonly state: 'approved' | 'rejected';
  readonly user: Account;
  readonly comment: string;
}

export interface Pending {
  readonly runId: number;
  readonly environment: string;
  readonly reviewers: readonly Account[];
}

/** All that the loopback GitHub knows. Tests read it, and write what other people did. */
export interface World {
  readonly repositories: Repository[];
  readonly accounts: Account[];
  readonly runs: Run[];
  readonly artifacts: Artifact[];
  readonly deployments: Deployment[];
  readonly approvals: Approval[];
  readonly pending: Pending[];
  /** `organisation/slug` of each team, with the logins of its members. */
  readonly teams: Record<string, readonly string[]>;
  /** A number that no other object of this world has. */
  readonly nextId: () => number;
}

/** A world without anything in it. */
export function emptyWorld(): World {
  let last = 5000;
  return {
    repositories: [],
    accounts: [],
    runs: [],
    artifacts: [],
    deployments: [],
    approvals: [],
    pending: [],
    teams: {},
    nextId: () => {
      last += 1;
      return last;
    },
  };
}

/** The commit that a branch, tag or digest means; undefined where there is none. */
export function resolveRef(repository: Repository, ref: string): string | undefined {
  if (ref.startsWith('-')) return undefined;
  return git(repository, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])
    ?.toString('utf8')
    .trim();
}

/** How many commits each of two has that the other has not, and where they parted; undefined when they never were one. */
export function countCommits(
  repository: Repository,
  base: string,
  head: string,
): { ahead: number; behind: number; mergeBase: string } | undefined {
  const mergeBase = git(repository, ['merge-base', base, head])?.toString('utf8').trim();
  const counts = git(repository, ['rev-list', '--left-right', '--count', `${base}...${head}`]);
  if (mergeBase === undefined || counts === undefined) return undefined;
  const [behind = 0, ahead = 0] = counts.toString('utf8').trim().split('\t').map(Number);
  return { ahead, behind, mergeBase };
}

/** What a path holds at a commit: the bytes of a file, the names in a folder, or undefined where there is nothing. */
export function readContent(repository: Repository, commit: string, path: string): Buffer | string[] | undefined {
  const kind = git(repository, ['cat-file', '-t', `${commit}:${path}`])
    ?.toString('utf8')
    .trim();
  if (kind === 'blob') return git(repository, ['cat-file', 'blob', `${commit}:${path}`]);
  if (kind !== 'tree') return undefined;
  const names = git(repository, ['ls-tree', '--name-only', '-z', `${commit}:${path}`])?.toString('utf8') ?? '';
  return names.split('\0').filter((name) => name !== '');
}

function git(repository: Repository, args: readonly string[]): Buffer | undefined {
  try {
    return execFileSync('git', ['-C', repository.folder, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
