import { mkdir, readdir, rm } from 'node:fs/promises';
import { errorMessage, Interrupted, OutsideError, UserError } from '../core/errors.ts';
import { type GithubApi, refusal, statusOf } from './github-api.ts';
import { interruptible } from './interruptible.ts';

/** Which artifact is to be fetched, and what it must be. */
export interface WantedArtifact {
  readonly id: number;
  /** The run that made it. */
  readonly run: number;
  /** `sha256:<hex>` of the whole. */
  readonly digest: string;
}

export interface DownloadSource {
  readonly api: GithubApi;
  /** Its artifacts need no permission of the job. */
  readonly ownRun: number;
  readonly signal: AbortSignal;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** As `Artifacts.download` promises. */
export async function downloadArtifact(wanted: WantedArtifact, folder: string, source: DownloadSource): Promise<void> {
  if (!DIGEST.test(wanted.digest)) throw changed(wanted, `"${wanted.digest}" is no digest`);
  await mkdir(folder, { recursive: true });
  // What lies there might be a link, through which an artifact could write elsewhere.
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty: nothing is unpacked there`);
  try {
    const isTheSame = await unpack(wanted, folder, source);
    if (!isTheSame) throw changed(wanted, 'what was loaded has another digest');
    await refuseUnsafe(folder);
  } catch (error) {
    // What cannot be removed is no reason to hide what went wrong.
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

/** Throws UserError `artifact-unsafe` when a folder holds anything but files and folders, such as links. */
export async function refuseUnsafe(folder: string): Promise<void> {
  // The kind of each entry itself: links are not followed.
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) continue;
    throw new UserError('artifact-unsafe', `an artifact holds ${entry.name}, which is neither file nor folder`);
  }
}

/** Answers whether what was unpacked has the digest. */
async function unpack(
  wanted: WantedArtifact,
  folder: string,
  { api, ownRun, signal }: DownloadSource,
): Promise<boolean> {
  const { DefaultArtifactClient } = await import('@actions/artifact');
  const client = new DefaultArtifactClient();
  const { id, run, digest } = wanted;
  const options = { path: folder, expectedHash: digest };
  const load = async (more: Pick<NonNullable<Parameters<typeof client.downloadArtifact>[1]>, 'findBy'>) => {
    const { digestMismatch } = await interruptible(() => client.downloadArtifact(id, { ...options, ...more }), signal);
    return digestMismatch !== true;
  };
  try {
    if (run === ownRun) return await load({});
  } catch (error) {
    if (!isNotFound(error)) throw failure(wanted, error);
  }
  await refuseGone(wanted, api);
  try {
    const { owner: repositoryOwner, repo: repositoryName, token } = api;
    return await load({ findBy: { workflowRunId: run, repositoryOwner, repositoryName, token } });
  } catch (error) {
    throw failure(wanted, error);
  }
}

/** Asks for what the client does not tell apart: whether it is there, still handed out, and the one that is meant. */
async function refuseGone(wanted: WantedArtifact, { owner, repo, ask }: GithubApi): Promise<void> {
  const answer = await ask(questionOf(wanted), (octokit, request) =>
    octokit.rest.actions.getArtifact({ owner, repo, artifact_id: wanted.id, request }),
  );
  if (answer === undefined) throw missing(wanted, undefined);
  const { expired, digest, workflow_run: run } = answer.data;
  if (digest !== wanted.digest) throw changed(wanted, `its digest is ${digest ?? 'not known'}`);
  if (run?.id !== wanted.run) throw changed(wanted, `the run ${run?.id ?? 'that nobody knows'} made it`);
  if (expired) throw expiredNow(wanted, undefined);
}

function failure(wanted: WantedArtifact, cause: unknown): Error {
  if (cause instanceof Interrupted) return cause;
  const status = statusOf(cause);
  if (status === 404) return missing(wanted, cause);
  if (status === 410) return expiredNow(wanted, cause);
  if (status !== undefined) return refusal(questionOf(wanted), cause);
  return new OutsideError(
    'github-unreachable',
    `the artifact ${wanted.id} could not be loaded: ${errorMessage(cause)}`,
    { cause },
  );
}

function questionOf({ id, run }: WantedArtifact) {
  return { what: `read the artifact ${id} of the run ${run}`, permission: 'actions: read' };
}

function changed({ id, run, digest }: WantedArtifact, why: string): Error {
  return new UserError('artifact-changed', `the artifact ${id} of the run ${run} is not ${digest}: ${why}`);
}

function expiredNow({ id, run }: WantedArtifact, cause: unknown): Error {
  const hint = 'GitHub keeps artifacts for some days: run again what made it.';
  return new UserError('artifact-expired', `the artifact ${id} of the run ${run} has expired`, { hint, cause });
}

function missing({ id, run }: WantedArtifact, cause: unknown): Error {
  return new UserError('artifact-missing', `GitHub has no artifact ${id} of the run ${run}`, { cause });
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'ArtifactNotFoundError';
}
