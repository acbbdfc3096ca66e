import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JWTPayload } from 'jose';
import { findAct } from '../../scripts/workflows/act.js';
import { claimsOf } from '../support/github/claims.ts';
import { type Github, type JobResult, startGithub } from '../support/github/server.ts';
import type { Account, Repository, Run } from '../support/github/world.ts';
import { type Entry, type StepResult, stepsOf, summariesOf, unmappedJobsOf, visibleTextOf } from './act-log.ts';
import { runAct } from './act-process.ts';
import { createMachines, killProcesses, type Machines } from './machines.ts';
import { standIns } from './stand-ins.ts';
import { jobsWithIdentity, renderFolder, withReport } from './view.ts';

/** A repository of somebody who calls published workflows. */
export interface CallerOptions {
  readonly name: string;
  /** Of the first commit, by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly published: readonly Published[];
  readonly protectedBranches?: readonly string[];
}

/** What is taken from a folder as if it were fetched from GitHub. `write` fills an empty folder. */
export interface Published {
  readonly repository: string;
  readonly commit: string;
  readonly write: (folder: string) => void;
}

export interface RunOptions {
  /** Below the repository. */
  readonly workflow: string;
  readonly event?: 'push' | 'workflow_dispatch';
  /** The branch that it runs on; the default branch by default. */
  readonly branch?: string;
  /** Of a workflow_dispatch: all are text there. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly actor?: Account;
  /** Somebody who runs it again: a later attempt under the claims of `actor`. */
  readonly again?: Account;
  /** The environment of each job that has one: act knows none. */
  readonly environments?: Readonly<Record<string, string>>;
  /** Sees every line of the log as it comes, and may end a machine. */
  readonly watch?: (entry: Entry, machines: Machines) => void;
  /** What the machines say they are; a machine of GitHub's own by default, which keeps nothing for the next job. */
  readonly runner?: 'github-hosted' | 'self-hosted';
  readonly limitMs?: number;
}

export interface Outcome {
  readonly runId: number;
  /** By file name of the published workflow, or `caller`: the result and the outputs of each of its jobs. */
  readonly jobs: Readonly<Record<string, Readonly<Record<string, JobResult>>>>;
  readonly steps: readonly StepResult[];
  readonly summaries: readonly string[];
  /** What a reader of the run's page sees. */
  readonly log: string;
  /** All that act wrote; it holds secrets, which act does not hide everywhere. */
  readonly raw: string;
  readonly exitCode: number | null;
  readonly timedOut: boolean;
}

export interface Caller {
  readonly github: Github;
  readonly repository: Repository;
  /** The work tree. */
  readonly folder: string;
  /** Commits these files on the default branch, or on one that begins there; answers the commit. */
  commit(files: Readonly<Record<string, string>>, branch?: string): string;
  run(options: RunOptions): Promise<Outcome>;
  /** Ends what is left running and removes everything. */
  close(): Promise<void>;
}

/** As GitHub's own calls itself: nothing in what is tested has to know of another. */
export const ISSUER = 'https://token.actions.githubusercontent.com';
const BRANCH = 'main';
const OWNER = 'acme';
const SOMEBODY: Account = { id: 1234, login: 'alice' };
const LIMIT_MS = 240_000;

/** Makes a caller's repository and a GitHub that knows it. Throws when act is not here and cannot be installed. */
export async function createCaller({
  name,
  files,
  published,
  protectedBranches = [BRANCH],
}: CallerOptions): Promise<Caller> {
  const found = findAct();
  if (!('path' in found)) throw new Error(found.missing);
  const root = mkdtempSync(join(tmpdir(), 'holdfast-workflows-'));
  const folder = join(root, name);
  const identities = new Map<string, JWTPayload>();
  const github = await startGithub({ claims: (job) => identities.get(job), issuer: ISSUER });
  const repository = { id: 77_001, owner: OWNER, name, defaultBranch: BRANCH, folder, protectedBranches };
  github.world.repositories.push(repository);
  mkdirSync(folder);
  git(folder, 'init', '--quiet', `--initial-branch=${BRANCH}`);
  git(folder, 'remote', 'add', 'origin', `https://github.com/${OWNER}/${name}.git`);
  const views: View[] = [];
  const local: Record<string, string> = {};
  for (const [index, { repository: other, commit, write }] of published.entries()) {
    const copy = join(root, `published-${index}`);
    mkdirSync(copy);
    write(copy);
    const texts = renderFolder(copy, { repository: other, commit }, (file) => `${github.origin}/reported/${file}`);
    for (const [file, text] of Object.entries(texts)) {
      views.push({ text, ref: `${other}/.github/workflows/${file}@${commit}` });
    }
    local[`${other}@${commit}`] = copy;
  }
  const commit = (changed: Readonly<Record<string, string>>, branch = BRANCH) => {
    if (branch === BRANCH) return commitFiles(folder, changed, github);
    git(folder, 'checkout', '--quiet', '-B', branch, BRANCH);
    const made = commitFiles(folder, changed, github);
    git(folder, 'checkout', '--quiet', BRANCH);
    return made;
  };
  commit(files);
  const at: Place = { act: found.path, root, github, repository, local, views, identities };
  return {
    ...{ github, repository, folder, commit },
    run: (options) => run(at, options),
    async close() {
      // Services that a release started have no parent any more; our folder is in their PATH.
      killProcesses([root]);
      await github.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A workflow as act sees it, and the name under which a token knows it. */
interface View {
  readonly text: string;
  readonly ref: string;
}

interface Place {
  readonly act: string;
  readonly root: string;
  readonly github: Github;
  readonly repository: Repository;
  readonly local: Readonly<Record<string, string>>;
  readonly views: readonly View[];
  readonly identities: Map<string, JWTPayload>;
}

async function run(at: Place, options: RunOptions): Promise<Outcome> {
  const { root, github, repository } = at;
  const { event = 'push', actor = SOMEBODY, workflow, environments = {}, branch = BRANCH } = options;
  const runId = github.world.nextId();
  const folder = join(root, `run-${runId}`);
  mkdirSync(folder);
  // What a job checks out is the work tree.
  if (branch !== BRANCH) git(repository.folder, 'checkout', '--quiet', branch);
  const headSha = git(repository.folder, 'rev-parse', 'HEAD');
  const again = options.again === undefined ? {} : { attempt: 2, triggeringActor: options.again };
  const started: Run = {
    ...{ id: runId, headSha, headBranch: branch, event, actor, conclusion: null, path: workflow },
    ...again,
  };
  github.world.runs.push(started);
  for (const key of Object.keys(github.reported)) delete github.reported[key];
  at.identities.clear();
  const own = {
    text: readFileSync(join(repository.folder, workflow), 'utf8'),
    ref: workflowRefOf(repository, workflow),
  };
  for (const { text, ref: jobWorkflowRef } of [...at.views, own]) {
    for (const job of jobsWithIdentity(text)) {
      at.identities.set(job, claimsOf({ repository, run: started, jobWorkflowRef, environment: environments[job] }));
    }
  }
  const workflows = [...at.views, own].map(({ text }) => text);
  const machines = createMachines({
    ...{ folder, withIdentity: [...at.identities.keys()] },
    outside: { [new URL(ISSUER).hostname]: github.issuerUrl, 'hooks.slack.com': github.hookUrl('slack') },
  });
  const ended = await runAct({
    act: at.act,
    repository: repository.folder,
    workflow,
    event,
    eventFile: writeEvent(folder, started, repository, options.inputs),
    actor: actor.login,
    environment: { ...github.jobEnvironment(runId), ...environmentOf(repository, started, options.runner) },
    secrets: { ...options.secrets, GITHUB_TOKEN: github.token },
    variables: options.variables ?? {},
    local: { ...at.local, ...standIns(workflows, repository.folder, join(root, 'stand-ins')) },
    folder,
    path: machines.path,
    limitMs: options.limitMs ?? LIMIT_MS,
    watch: (entry) => options.watch?.(entry, machines),
  });
  if (branch !== BRANCH) git(repository.folder, 'checkout', '--quiet', BRANCH);
  const log = visibleTextOf(ended.entries);
  keepLog(`${repository.name}-${runId}`, log);
  const unmapped = unmappedJobsOf(ended.entries);
  if (unmapped.length > 0) throw new Error(`no machine is mapped to the label of ${unmapped.join(', ')}`);
  // The next run meets this one as one that is over.
  const index = github.world.runs.indexOf(started);
  github.world.runs[index] = { ...started, conclusion: ended.exitCode === 0 ? 'success' : 'failure' };
  return {
    runId,
    jobs: structuredClone(github.reported),
    steps: stepsOf(ended.entries),
    summaries: summariesOf(ended.entries),
    log,
    raw: ended.text,
    exitCode: ended.exitCode,
    timedOut: ended.timedOut,
  };
}

/** For whoever looks for the reason of a failure: `HOLDFAST_LOGS=DIR npm run acceptance`. */
function keepLog(name: string, log: string): void {
  const folder = process.env['HOLDFAST_LOGS'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.log`), log);
}

function environmentOf(
  repository: Repository,
  { actor, path, headSha, headBranch, attempt = 1 }: Run,
  runner: RunOptions['runner'] = 'github-hosted',
): Record<string, string> {
  const { owner, name, id } = repository;
  return {
    GITHUB_REPOSITORY: `${owner}/${name}`,
    GITHUB_REPOSITORY_ID: String(id),
    GITHUB_REPOSITORY_OWNER: owner,
    GITHUB_REF: `refs/heads/${headBranch}`,
    GITHUB_ACTOR_ID: String(actor.id),
    GITHUB_TRIGGERING_ACTOR: actor.login,
    GITHUB_RUN_ATTEMPT: String(attempt),
    GITHUB_WORKFLOW_REF: workflowRefOf(repository, path),
    GITHUB_WORKFLOW_SHA: headSha,
    RUNNER_ENVIRONMENT: runner,
    RUNNER_NAME: 'GitHub Actions 1',
  };
}

function workflowRefOf({ owner, name }: Repository, workflow: string): string {
  return `${owner}/${name}/${workflow}@refs/heads/${BRANCH}`;
}

function writeEvent(folder: string, run: Run, repository: Repository, inputs: RunOptions['inputs'] = {}): string {
  const { owner, name, id, defaultBranch } = repository;
  const about = { id, name, full_name: `${owner}/${name}`, default_branch: defaultBranch, owner: { login: owner } };
  const sender = { id: run.actor.id, login: run.actor.login };
  const push = { after: run.headSha, deleted: false };
  const event = {
    ref: `refs/heads/${run.headBranch}`,
    repository: about,
    sender,
    ...(run.event === 'push' ? push : { inputs }),
  };
  const file = join(folder, 'event.json');
  writeFileSync(file, JSON.stringify(event));
  return file;
}

/** The caller's own workflows report too, as `caller`. */
function commitFiles(folder: string, files: Readonly<Record<string, string>>, github: Github): string {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    const isWorkflow = path.startsWith('.github/workflows/');
    writeFileSync(file, isWorkflow ? withReport(text, `${github.origin}/reported/caller`) : text);
  }
  git(folder, 'add', '--all');
  const author = ['-c', 'user.name=alice', '-c', 'user.email=alice@example.org'];
  git(folder, ...author, 'commit', '--quiet', '--message=change');
  return git(folder, 'rev-parse', 'HEAD');
}

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
