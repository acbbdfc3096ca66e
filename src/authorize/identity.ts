import { z } from 'zod';
import { UserError } from '../core/errors.ts';

/** GitHub writes numeric ids as text. Names can be given away and taken by somebody else; ids cannot. */
const Id = z.string().regex(/^[1-9]\d{0,18}$/);

const Claims = z.looseObject({
  actor_id: Id,
  repository_id: Id,
  actor: z.string().optional(),
  environment: z.string().optional(),
  ref: z.string().optional(),
  run_id: z.string().optional(),
  run_attempt: z.string().optional(),
});

/** Who asks, as a verified token of a job says. */
export interface ProvenIdentity {
  /** As `access.roles` names people: `user:1234`. */
  readonly actor: string;
  /** For messages; people can change it. */
  readonly login: string | undefined;
  /** The environment whose rules the job has passed; undefined for a job without one. */
  readonly environment: string | undefined;
  readonly ref: string | undefined;
  readonly runId: string | undefined;
  /** From 1. In a later attempt the claims still name who began the first. */
  readonly attempt: number;
}

/**
 * What verified claims say about who asks. `repositoryId` is the repository that this job is of. Pure.
 * Throws UserError `identity-not-proven` when an id is missing, no number, or of another repository.
 */
export function identityOf(claims: unknown, { repositoryId }: { readonly repositoryId: string }): ProvenIdentity {
  const parsed = Claims.safeParse(claims);
  if (!parsed.success) {
    const names = [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'the claims')))];
    throw new UserError('identity-not-proven', `the token of this job lacks usable claims: ${names.join(', ')}`);
  }
  const { actor_id, repository_id, actor, environment, ref, run_id, run_attempt } = parsed.data;
  if (repository_id !== repositoryId) {
    throw new UserError(
      'identity-not-proven',
      `the token is of the repository ${repository_id}, this job is of ${repositoryId}`,
    );
  }
  const attempt = Number(run_attempt ?? '1');
  return {
    actor: `user:${actor_id}`,
    login: actor,
    environment,
    ref,
    runId: run_id,
    attempt: Number.isInteger(attempt) && attempt > 0 ? attempt : 1,
  };
}
