import type { JWTPayload } from 'jose';
import type { Repository, Run } from './world.ts';

export interface JobOfRun {
  readonly repository: Repository;
  readonly run: Run;
  /** The reusable workflow that holds the job: `owner/name/path@ref`. Of the caller itself where there is none. */
  readonly jobWorkflowRef: string;
  /** Of the job, where it has one. */
  readonly environment?: string | undefined;
}

/** What GitHub says of a job in a token; every value is text there. */
export function claimsOf({ repository, run, jobWorkflowRef, environment }: JobOfRun): JWTPayload {
  const name = `${repository.owner}/${repository.name}`;
  const ref = `refs/heads/${run.headBranch}`;
  return {
    sub: environment === undefined ? `repo:${name}:ref:${ref}` : `repo:${name}:environment:${environment}`,
    repository: name,
    repository_id: String(repository.id),
    repository_owner: repository.owner,
    repository_owner_id: String(repository.id + 1),
    repository_visibility: 'private',
    actor: run.actor.login,
    actor_id: String(run.actor.id),
    ref,
    ref_type: 'branch',
    ref_protected: String(repository.protectedBranches.includes(run.headBranch)),
    head_ref: '',
    base_ref: '',
    sha: run.headSha,
    run_id: String(run.id),
    run_number: '1',
    run_attempt: String(run.attempt ?? 1),
    event_name: run.event,
    workflow: 'Release',
    workflow_ref: `${name}/${run.path}@${ref}`,
    workflow_sha: run.headSha,
    job_workflow_ref: jobWorkflowRef,
    job_workflow_sha: jobWorkflowRef.split('@')[1] ?? '',
    runner_environment: 'github-hosted',
    ...(environment === undefined ? {} : { environment }),
  };
}
