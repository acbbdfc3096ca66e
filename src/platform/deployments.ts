import { isDeepStrictEqual } from 'node:util';
import { errorMessage, OutsideError } from '../core/errors.ts';
import { causeStatus, type GithubApi, notFound } from './github-api.ts';

/** GitHub's own record of what is where. */
export interface Deployments {
  /** Of one environment, the newest first; at most the last hundred. */
  list(environment: string): Promise<Deployment[]>;
  /** The states that it had, the newest first; at most the last hundred. */
  states(id: number): Promise<DeploymentState[]>;
  /** Answers its number. Rejects with OutsideError `deployment-not-made` when GitHub made one of another commit, or none. */
  create(deployment: NewDeployment): Promise<number>;
  /** `description` is cut to what GitHub takes, 140 characters. No other deployment is touched: set those `inactive` here. */
  setState(id: number, state: Exclude<DeploymentState, 'waiting'>, description: string): Promise<void>;
}

export type DeploymentState =
  | 'error'
  | 'failure'
  | 'inactive'
  | 'in_progress'
  | 'queued'
  | 'pending'
  | 'success'
  | 'waiting';

export interface NewDeployment {
  readonly environment: string;
  readonly commit: string;
  readonly description: string;
  readonly payload: Readonly<Record<string, string | number>>;
}

export interface Deployment {
  readonly id: number;
  readonly commit: string;
  /** As it came: whoever may write deployments wrote it. */
  readonly payload: unknown;
}

/** What GitHub takes of a description. */
const MAX_DESCRIPTION = 140;
/** Those of other tools for the same environment have other tasks. */
const TASK = 'deploy';
const PER_PAGE = 100;
const permission = 'deployments: write';

/** The deployments of one repository; `logUrl` is the page on which the states that are set can be followed. */
export function deploymentsOver(api: GithubApi, logUrl: string): Deployments {
  const { owner, repo, ask, change } = api;

  const list = async (environment: string, commit?: string): Promise<Deployment[]> => {
    const question = { what: `list the deployments to ${environment}`, permission };
    const filter = { environment, task: TASK, ...(commit === undefined ? {} : { sha: commit }) };
    const answer = await ask(question, (octokit, request) =>
      octokit.rest.repos.listDeployments({ owner, repo, ...filter, per_page: PER_PAGE, request }),
    );
    if (answer === undefined) throw notFound(question);
    return answer.data.map(({ id, sha, payload }) => ({ id, commit: sha, payload })).toSorted((a, b) => b.id - a.id);
  };

  const states = async (id: number) => {
    const question = { what: `read the states of the deployment ${id}`, permission };
    const answer = await ask(question, (octokit, request) =>
      octokit.rest.repos.listDeploymentStatuses({ owner, repo, deployment_id: id, per_page: PER_PAGE, request }),
    );
    if (answer === undefined) throw notFound(question);
    return answer.data.toSorted((a, b) => b.id - a.id).map(({ state }) => state);
  };

  /** One that tells the same and has no state yet: what an attempt made whose answer was lost. */
  const findMade = async ({ environment, commit, payload }: NewDeployment): Promise<Made | undefined> => {
    for (const made of await list(environment, commit)) {
      const isSame = isDeepStrictEqual(made.payload, payload);
      if (isSame && (await states(made.id)).length === 0) return { id: made.id, sha: made.commit };
    }
    return undefined;
  };

  return {
    list,
    states,
    async create(wanted) {
      const { environment, commit, description, payload } = wanted;
      const question = { what: `make a deployment to ${environment}`, permission };
      const made = await change(
        question,
        async (octokit, request): Promise<Made | NotMade> => {
          const { data } = await octokit.rest.repos.createDeployment({
            ...{ owner, repo, ref: commit, environment, task: TASK, payload, request },
            description: shortened(description),
            // The commit was judged by Holdfast: nothing is merged into it, and the run that asks is no reason to wait.
            auto_merge: false,
            required_contexts: [],
          });
          // Without a number it is a message: GitHub merged something, and made none.
          return 'id' in data ? { id: data.id, sha: data.sha } : { why: data.message ?? 'it merged' };
        },
        () => findMade(wanted),
      ).catch((error: unknown) => {
        const isRefused = error instanceof Error && [409, 422].includes(causeStatus(error) ?? 0);
        throw isRefused ? notMade(environment, errorMessage(error.cause), error.cause) : error;
      });
      if (!('id' in made)) throw notMade(environment, made.why, undefined);
      if (made.sha !== commit) throw notMade(environment, `it made one of ${made.sha}, not of ${commit}`, undefined);
      return made.id;
    },
    async setState(id, state, description) {
      const question = { what: `set the state of the deployment ${id} to ${state}`, permission };
      // The same state twice says the same.
      const answer = await ask(question, (octokit, request) =>
        octokit.rest.repos.createDeploymentStatus({
          ...{ owner, repo, deployment_id: id, state, request },
          description: shortened(description),
          log_url: logUrl,
          // Which deployments are over is for us to say: GitHub would leave those of production as they are.
          auto_inactive: false,
        }),
      );
      if (answer === undefined) throw notFound(question);
    },
  };
}

interface Made {
  readonly id: number;
  readonly sha: string;
}

interface NotMade {
  readonly why: string;
}

function shortened(text: string): string {
  if (text.length <= MAX_DESCRIPTION) return text;
  // Half of a character would be none.
  return `${text.slice(0, MAX_DESCRIPTION - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function notMade(environment: string, why: string, cause: unknown): Error {
  return new OutsideError('deployment-not-made', `GitHub made no deployment to ${environment}: ${why}`, { cause });
}
