import { z } from 'zod';
import { WorkflowCall } from '../core/admission.ts';
import { UserError } from '../core/errors.ts';

export const LeasePurpose = z.enum(['release', 'rollback', 'recover', 'hold', 'change']);
export type LeasePurpose = z.infer<typeof LeasePurpose>;

const Hold = z.strictObject({ actor: z.string(), reason: z.string().optional(), acquiredAt: z.string() });
type Hold = z.infer<typeof Hold>;

/** Who may change an environment now. */
export const LeaseRecord = z.strictObject({
  schema: z.literal(1),
  environment: z.string(),
  purpose: LeasePurpose,
  /** Strictly increasing: a step that carries an older token is refused. */
  token: z.int(),
  owner: z.strictObject({
    actor: z.string(),
    host: z.string(),
    /** Absent for a person's hold, which no process stands behind. */
    process: z.strictObject({ pid: z.int(), startTime: z.string() }).optional(),
    /** The workflow that it belongs to, whichever of its steps took it last. */
    run: WorkflowCall.optional(),
  }),
  /** Unique, so that an owner recognises its own lease. */
  nonce: z.string(),
  reason: z.string().optional(),
  acquiredAt: z.string(),
  renewedAt: z.string(),
  /** Null: never expires. */
  ttlMs: z.number().nullable(),
  /** The person's hold that this lease runs under: it is put back afterwards, also when this owner is killed. */
  under: Hold.optional(),
});
export type LeaseRecord = z.infer<typeof LeaseRecord>;

/** The hold that this lease is, or runs under; undefined where there is none. */
export function holdIn({ purpose, owner, reason, acquiredAt, under }: LeaseRecord): Hold | undefined {
  if (purpose !== 'hold') return under;
  return { actor: owner.actor, ...(reason === undefined ? {} : { reason }), acquiredAt };
}

/** The record of the hold that a lease ran under. */
export function putBack({ under: _, owner, ...record }: LeaseRecord, { actor, acquiredAt, ...why }: Hold): LeaseRecord {
  const hold = { purpose: 'hold' as const, owner: { actor, host: owner.host }, acquiredAt, renewedAt: acquiredAt };
  return { ...record, ...hold, ...why, ttlMs: null };
}

/** Why no release starts. */
export function held(environment: string, { actor, reason, acquiredAt }: Hold): UserError {
  const why = reason === undefined ? '' : ` (${reason})`;
  return new UserError('environment-held', `${environment} is held by ${actor} since ${acquiredAt}${why}`, {
    hint: 'Free it with: holdfast lock release',
  });
}

/** Why nobody else may change anything now. */
export function taken({ purpose, owner, acquiredAt, environment }: LeaseRecord): UserError {
  const where = owner.run === undefined ? owner.host : `${owner.host}, run ${owner.run.id} of ${owner.run.repository},`;
  const message = `a ${purpose} by ${owner.actor} on ${where} works on ${environment} since ${acquiredAt}`;
  return new UserError('environment-locked', message, {
    hint: 'Wait until it has ended; look at it with: holdfast lock status',
  });
}
