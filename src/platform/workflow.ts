import type { Admission } from '../core/admission.ts';
import { type Artifacts, artifactsOver } from './artifacts.ts';
import { type Deployments, deploymentsOver } from './deployments.ts';
import { type Github, githubOver } from './github.ts';
import { connectApi, type GithubApi, notFound } from './github-api.ts';

/**
 * The run of a workflow that this process is a step of, and what GitHub keeps for it. A laptop has none.
 * Each call rejects with UserError `github-refused` when the token of the job may not ask, with OutsideError
 * `github-unreachable` when GitHub gives no answer, and with Interrupted when the run is to end.
 */
export interface Workflow {
  readonly run: WorkflowRun;
  /** What the job `admit` of this call of the workflow found; undefined where there was none. */
  readonly admission?: Admission | undefined;
  /** A run of this repository; undefined when GitHub knows of none. */
  find(id: number): Promise<FoundRun | undefined>;
  /** The numeric id of who started this attempt of a run; undefined when GitHub does not tell. */
  runAgainBy(id: number, attempt: number): Promise<number | undefined>;
  readonly deployments: Deployments;
  readonly artifacts: Artifacts;
  /** The content of a file of this repository at a commit; undefined when there is none. */
  readFile(path: string, commit: string): Promise<Uint8Array | undefined>;
  /** The branch whose policy holds, with the commit at its head. */
  defaultBranch(): Promise<DefaultBranch>;
  /** Whether a commit is at the other one, or came before it: a tag may be called like a branch. */
  isPartOf(commit: string, other: string): Promise<boolean>;
}

export interface DefaultBranch {
  readonly name: string;
  readonly commit: string;
}

export interface WorkflowRun {
  /** `owner/name`. */
  readonly repository: string;
  readonly id: number;
  /** From 1: somebody may run it again under the same number. */
  readonly attempt: number;
  /** The job that this process is a step of. */
  readonly job: string;
  /** The commit that the run is of. */
  readonly commit: string;
  /** The page of the run, for people. */
  readonly url: string;
  /** It runs on a machine of GitHub's own, which keeps nothing for the next job. */
  readonly isHosted: boolean;
  /** The folder into which its repository is checked out, absolute; undefined when the runner does not say. */
  readonly workspace?: string | undefined;
}

export interface FoundRun {
  readonly id: number;
  readonly attempt: number;
  /** Every job of it has ended. */
  readonly hasEnded: boolean;
  /** `success`, `failure`, `cancelled` …; undefined until it has ended. */
  readonly conclusion: string | undefined;
  /** Or a tag. */
  readonly branch: string | undefined;
  readonly commit: string;
  readonly event: string;
  /** `.github/workflows/release.yml`: the workflow of the caller. */
  readonly workflow: string;
  /** False for a run of a fork, which may bring what nobody reviewed. */
  readonly isOfThisRepository: boolean;
}

/** What a runner tells each step of itself, by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The run that this environment is of; undefined outside of one, and without a token to ask GitHub with. Nothing is
 * asked, and no client of GitHub loaded, before something of it is used.
 */
export function connectWorkflow(env: Environment, token: string, signal: AbortSignal): Workflow | undefined {
  const run = readRun(env);
  if (run === undefined || token === '') return undefined;
  const { repository } = run;
  const api = connectApi({ token, repository, apiUrl: env['GITHUB_API_URL'] || 'https://api.github.com' }, signal);
  const github = githubOver(api);
  return {
    run,
    find: (id) => findRun(id, api),
    runAgainBy: (id, attempt) => findWhoRanAgain(id, attempt, api),
    deployments: deploymentsOver(api, run.url),
    artifacts: artifactsOver(api, run.id, signal),
    readFile: github.readFile,
    defaultBranch: () => findDefaultBranch(github),
    isPartOf: github.isPartOf,
  };
}

function readRun(env: Environment): WorkflowRun | undefined {
  const { GITHUB_REPOSITORY: repository = '', GITHUB_SHA: commit = '', GITHUB_JOB: job = '' } = env;
  const id = Number(env['GITHUB_RUN_ID']);
  if (repository === '' || commit === '' || !Number.isSafeInteger(id) || id < 1) return undefined;
  const url = `${env['GITHUB_SERVER_URL'] || 'https://github.com'}/${repository}/actions/runs/${id}`;
  const isHosted = env['RUNNER_ENVIRONMENT'] === 'github-hosted';
  const workspace = env['GITHUB_WORKSPACE'] || undefined;
  return { repository, id, attempt: Number(env['GITHUB_RUN_ATTEMPT'] || 1), job, commit, url, isHosted, workspace };
}

async function findDefaultBranch(github: Github): Promise<DefaultBranch> {
  const name = await github.defaultBranch();
  const head = await github.branch(name);
  if (head === undefined) throw notFound({ what: `read the branch ${name}`, permission: 'contents: read' });
  return { name, commit: head.commit };
}

async function findWhoRanAgain(
  id: number,
  attempt: number,
  { owner, repo, ask }: GithubApi,
): Promise<number | undefined> {
  const question = { what: `read the attempt ${attempt} of the run ${id}`, permission: 'actions: read' };
  const answer = await ask(question, (octokit, request) =>
    octokit.rest.actions.getWorkflowRunAttempt({ owner, repo, run_id: id, attempt_number: attempt, request }),
  );
  return answer?.data.triggering_actor?.id;
}

async function findRun(id: number, { owner, repo, ask }: GithubApi): Promise<FoundRun | undefined> {
  const question = { what: `read the run ${id}`, permission: 'actions: read' };
  const answer = await ask(question, (octokit, request) =>
    octokit.rest.actions.getWorkflowRun({ owner, repo, run_id: id, request }),
  );
  if (answer === undefined) return undefined;
  const { data } = answer;
  return {
    id: data.id,
    attempt: data.run_attempt ?? 1,
    hasEnded: data.status === 'completed',
    conclusion: data.conclusion ?? undefined,
    branch: data.head_branch ?? undefined,
    commit: data.head_sha,
    event: data.event,
    // GitHub may say of which branch or tag it is: `.github/workflows/release.yml@main`.
    workflow: data.path.replace(/(\.ya?ml)@.*$/, '$1'),
    // A fork that was deleted is none that is known.
    isOfThisRepository: data.head_repository?.id === data.repository.id,
  };
}
