import { join } from 'node:path';
import { errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';
import { downloadArtifact, type WantedArtifact } from './artifact-download.ts';
import { type GithubApi, notFound } from './github-api.ts';
import { interruptible } from './interruptible.ts';

/** Files that GitHub keeps with a run, for some days. */
export interface Artifacts {
  /**
   * Keeps files of a folder, named relative to it, with this run. Rejects with UserError `artifact-exists` when the run
   * has one of this name already.
   */
  upload(
    name: string,
    folder: string,
    files: readonly string[],
    keepDays?: number,
  ): Promise<{ id: number; digest: string }>;
  /**
   * Those of this name, the newest first: of one run, or of all runs of this repository; at most the last hundred.
   * One without a digest is left out: nobody could tell whether it was changed.
   */
  list(name: string, run?: number): Promise<Artifact[]>;
  /**
   * Unpacks one into an empty folder, which is made where there is none. Rejects with UserError `artifact-changed` when
   * it is not what its digest says, `artifact-expired`, `artifact-missing`, or `artifact-unsafe` when it holds anything
   * but files and folders; the folder is gone then. What is in the files is still what its maker put there.
   */
  download(artifact: WantedArtifact, folder: string): Promise<void>;
}

export interface Artifact extends WantedArtifact {
  readonly name: string;
  readonly sizeBytes: number;
  /** It is listed and no longer handed out. */
  readonly isExpired: boolean;
}

const PER_PAGE = 100;

/**
 * The artifacts of one repository: listed over GitHub's API, kept and fetched with @actions/artifact, which is loaded
 * for it, prints what it does, and takes what it needs to know of the run `ownRun` from the environment of this process.
 */
export function artifactsOver(api: GithubApi, ownRun: number, signal: AbortSignal): Artifacts {
  const { owner, repo, ask } = api;
  return {
    async upload(name, folder, files, keepDays) {
      const { DefaultArtifactClient } = await import('@actions/artifact');
      const paths = files.map((file) => join(folder, file));
      const options = keepDays === undefined ? {} : { retentionDays: keepDays };
      const upload = () => new DefaultArtifactClient().uploadArtifact(name, paths, folder, options);
      const { id, digest } = await interruptible(upload, signal).catch((error: unknown) => {
        throw uploadFailure(name, error);
      });
      if (id === undefined || digest === undefined) throw uploadFailure(name, new Error('GitHub did not number it'));
      return { id, digest: `sha256:${digest}` };
    },
    async list(name, run) {
      const where = run === undefined ? '' : ` of the run ${run}`;
      const question = { what: `list the artifacts ${name}${where}`, permission: 'actions: read' };
      const answer = await ask(question, (octokit, request) => {
        const asked = { owner, repo, name, per_page: PER_PAGE, request };
        return run === undefined
          ? octokit.rest.actions.listArtifactsForRepo(asked)
          : octokit.rest.actions.listWorkflowRunArtifacts({ ...asked, run_id: run });
      });
      if (answer === undefined && run === undefined) throw notFound(question);
      return (answer?.data.artifacts ?? []).flatMap(artifactOf).toSorted((a, b) => b.id - a.id);
    },
    download: (artifact, folder) => downloadArtifact(artifact, folder, { api, ownRun, signal }),
  };
}

interface Listed {
  readonly id: number;
  readonly name: string;
  readonly size_in_bytes: number;
  readonly expired: boolean;
  readonly digest?: string | null;
  readonly workflow_run?: { readonly id?: number } | null;
}

function artifactOf({ id, name, size_in_bytes: sizeBytes, expired, digest, workflow_run }: Listed): Artifact[] {
  const run = workflow_run?.id;
  if (run === undefined || typeof digest !== 'string') return [];
  return [{ id, name, run, digest, sizeBytes, isExpired: expired }];
}

function uploadFailure(name: string, cause: unknown): Error {
  if (cause instanceof Interrupted) return cause;
  const message = errorMessage(cause);
  // The client tells the status in its text alone.
  if (/\(409\)/.test(message)) {
    return new UserError('artifact-exists', `this run has an artifact ${name} already`, { cause });
  }
  return new OutsideError('github-unreachable', `GitHub did not keep the artifact ${name}: ${message}`, { cause });
}
