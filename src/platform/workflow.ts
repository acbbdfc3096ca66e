import type { Admission } from '../core/admission.ts';

/**
 * The run of a workflow that this process is a step of, and what GitHub keeps for it. A laptop has none.
 * Each call rejects with UserError `github-refused` when the token of the job may not ask, and with OutsideError
 * `github-unreachable` when GitHub gives no answer.
 */
export interface Workflow {
  readonly run: WorkflowRun;
  /** What the job `admit` of this call of the workflow found; undefined where there was none. */
  readonly admission?: Admission | undefined;
  /** A run of this repository; undefined when GitHub knows of none. */
  find(id: number): Promise<FoundRun | undefined>;
  readonly deployments: Deployments;
  readonly artifacts: Artifacts;
  /** The content of a file of this repository at a commit; undefined when there is none. */
  readFile(path: string, commit: string): Promise<Uint8Array | undefined>;
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
}

export interface FoundRun {
  readonly id: number;
  readonly attempt: number;
  /** Every job of it has ended. */
  readonly hasEnded: boolean;
  /** `success`, `failure`, `cancelled` …; undefined until it has ended. */
  readonly conclusion: string | undefined;
  readonly branch: string | undefined;
  readonly event: string;
  /** `.github/workflows/release.yml`: the workflow of the caller. */
  readonly workflow: string;
  /** False for a run of a fork, which may bring what nobody reviewed. */
  readonly isOfThisRepository: boolean;
}

/** GitHub's own record of what is where. */
export interface Deployments {
  /** Of one environment, the newest first; at most the last hundred. */
  list(environment: string): Promise<Deployment[]>;
  /** Every state that it had, the newest first. */
  states(id: number): Promise<DeploymentState[]>;
  /** Answers its number. Rejects with OutsideError `deployment-not-made` when GitHub made one of another commit, or none. */
  create(deployment: NewDeployment): Promise<number>;
  /** `description` is cut to what GitHub takes, 140 characters. */
  setState(id: number, state: DeploymentState, description: string): Promise<void>;
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

/** Files that GitHub keeps with a run, for some days. */
export interface Artifacts {
  /** Keeps files of a folder, named relative to it, with this run. Rejects when the run has one of this name already. */
  upload(
    name: string,
    folder: string,
    files: readonly string[],
    keepDays?: number,
  ): Promise<{ id: number; digest: string }>;
  /** Those of this name, the newest first: of one run, or of all runs of this repository. */
  list(name: string, run?: number): Promise<Artifact[]>;
  /** Unpacks one into an empty folder. Rejects with UserError `artifact-changed` when it is not what its digest says. */
  download(artifact: Pick<Artifact, 'id' | 'run' | 'digest'>, folder: string): Promise<void>;
}

export interface Artifact {
  readonly id: number;
  readonly name: string;
  /** The run that made it. */
  readonly run: number;
  /** `sha256:<hex>` of the whole. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** It is listed and no longer handed out. */
  readonly isExpired: boolean;
}
