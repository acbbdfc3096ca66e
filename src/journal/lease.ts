import { join } from 'node:path';
import { z } from 'zod';
import { errorCode, OutsideError, UserError } from '../core/errors.ts';
import type { Machine } from '../machines/machine.ts';
import type { Platform } from '../platform/platform.ts';

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

export interface Lease {
  readonly record: LeaseRecord;
  /** Rejects when somebody else took it over: then nothing may be changed any more. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

export interface LeaseRequest {
  readonly environment: string;
  readonly purpose: LeasePurpose;
  readonly actor: string;
  readonly reason?: string | undefined;
}

export interface Leases {
  /** The lease as it lies there, whoever has it. */
  current(): Promise<LeaseRecord | undefined>;
  /** True when nobody stands behind it any more: its process is gone, or its time is over. A hold never is. */
  isStale(record: LeaseRecord): Promise<boolean>;
  /**
   * Takes the lease, over a stale one if need be. Rejects with UserError `environment-locked` or `environment-held`.
   * All but a release run under a person's hold, which they put back when they are done.
   */
  acquire(request: LeaseRequest): Promise<Lease>;
  /** A person's hold. Held already: its reason is replaced. */
  hold(request: Omit<LeaseRequest, 'purpose'>): Promise<LeaseRecord>;
  /** Frees a hold or a stale lease; false when there was none. Rejects when somebody is at work. */
  free(): Promise<boolean>;
}

/** Long enough for a laptop that sleeps for a moment, short enough for a queue to go on the same hour. */
const TTL_MS = 60_000;

export function openLeases(
  path: string,
  machine: Machine,
  platform: Pick<Platform, 'clock' | 'identity' | 'processes' | 'random'>,
): Leases {
  const { files } = machine;
  // Owners are processes of the computers that Holdfast runs on, wherever the environment lies.
  const { processes } = platform;
  const folder = join(path, '..');

  const leases: Leases = {
    async current() {
      const bytes = await files.read(path);
      if (bytes === undefined) return undefined;
      const found = LeaseRecord.safeParse(parseJson(bytes.toString('utf8')));
      if (found.success) return found.data;
      throw new OutsideError('target-damaged', `${path} on ${machine.name} is not what Holdfast wrote`, {
        hint: 'See with "holdfast status" that nobody is at work, then move the file away.',
      });
    },
    async isStale(record) {
      if (record.ttlMs === null) return false;
      const { host, process } = record.owner;
      // On the same computer the process itself is the witness; elsewhere only time is.
      if (host === platform.identity.host && process !== undefined) return !(await processes.isAlive(process));
      return (await machine.now()) - Date.parse(record.renewedAt) > record.ttlMs;
    },
    async acquire(request) {
      for (;;) {
        const existing = await leases.current();
        const stale = existing !== undefined && (await leases.isStale(existing));
        const hold = existing?.purpose === 'hold' ? holdOf(existing) : stale ? existing.under : undefined;
        if (existing !== undefined && !stale && existing.purpose !== 'hold') throw taken(existing);
        if (hold !== undefined && !passesHold(request)) throw held(request.environment, hold);
        const fresh = await newRecord(request, (existing?.token ?? 0) + 1);
        const record = hold === undefined ? fresh : { ...fresh, under: hold };
        if (existing !== undefined) await takeAway(existing);
        if (await files.create(path, JSON.stringify(record), 0o600)) return owned(record);
      }
    },
    async hold(request) {
      for (;;) {
        const existing = await leases.current();
        if (existing !== undefined && existing.purpose !== 'hold' && !(await leases.isStale(existing)))
          throw taken(existing);
        const record = {
          ...(await newRecord({ ...request, purpose: 'hold' }, (existing?.token ?? 0) + 1)),
          ttlMs: null,
        };
        if (existing !== undefined) await takeAway(existing);
        if (await files.create(path, JSON.stringify(record), 0o600)) return record;
      }
    },
    async free() {
      const existing = await leases.current();
      if (existing === undefined) return false;
      if (existing.purpose !== 'hold' && !(await leases.isStale(existing))) throw taken(existing);
      await takeAway(existing);
      return true;
    },
  };

  async function newRecord(request: LeaseRequest, token: number): Promise<LeaseRecord> {
    const at = new Date(await machine.now()).toISOString();
    const process = request.purpose === 'hold' ? undefined : await processes.identify(platform.identity.pid);
    return {
      schema: 1,
      environment: request.environment,
      purpose: request.purpose,
      token,
      owner: { actor: request.actor, host: platform.identity.host, ...(process === undefined ? {} : { process }) },
      nonce: platform.random.hex(8),
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      acquiredAt: at,
      renewedAt: at,
      ttlMs: TTL_MS,
    };
  }

  /**
   * Takes a lease out of the way by rename, which one of several contenders wins. A slow loser may find that it moved the
   * winner's new lease: it puts that back, by exclusive create, and goes round again.
   */
  async function takeAway(existing: LeaseRecord): Promise<void> {
    if ((await leases.current())?.nonce !== existing.nonce) return;
    const aside = join(folder, `stale-lease-${existing.token}-${platform.random.hex(4)}.json`);
    try {
      await files.rename(path, aside);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    const moved = (await files.read(aside))?.toString('utf8') ?? '';
    if (LeaseRecord.safeParse(parseJson(moved)).data?.nonce !== existing.nonce) await files.create(path, moved, 0o600);
    await files.remove(aside);
  }

  function owned(record: LeaseRecord): Lease {
    // A lease that was damaged meanwhile is not ours to change; whoever comes next is told of it.
    const isOurs = async () => (await leases.current().catch(() => undefined))?.nonce === record.nonce;
    const renew = async () => {
      if (!(await isOurs())) return;
      const renewedAt = new Date(await machine.now()).toISOString();
      await files.write(path, JSON.stringify({ ...record, renewedAt }), 0o600);
    };
    let renewing: Promise<void> = Promise.resolve();
    const stopRenewing = platform.clock.every(TTL_MS / 3, () => {
      // A renewal that fails is found by the next `assertHeld`, or by whoever takes over.
      renewing = renew().catch(() => undefined);
    });
    return {
      record,
      async assertHeld() {
        if (await isOurs()) return;
        throw new UserError('lease-lost', `the lease of ${record.environment} was taken over by another run`, {
          hint: 'Look who works there with: holdfast lock status',
        });
      },
      async release() {
        stopRenewing();
        // One that is under way would write the lease again after it was given back.
        await renewing;
        if (!(await isOurs())) return;
        // Replaced in one step: a release that waits must not slip in before the hold is there again.
        if (record.under === undefined) await files.remove(path);
        else await files.write(path, JSON.stringify(putBack(record, record.under)), 0o600);
      },
    };
  }

  return leases;
}

/** A hold keeps releases out; the way back and the copies of the state go on. */
function passesHold({ purpose }: LeaseRequest): boolean {
  return purpose !== 'release' && purpose !== 'hold';
}

function holdOf({ owner, reason, acquiredAt }: LeaseRecord): Hold {
  return { actor: owner.actor, ...(reason === undefined ? {} : { reason }), acquiredAt };
}

function putBack({ under: _, owner, ...record }: LeaseRecord, { actor, acquiredAt, ...why }: Hold): LeaseRecord {
  const hold = { purpose: 'hold' as const, owner: { actor, host: owner.host }, acquiredAt, renewedAt: acquiredAt };
  return { ...record, ...hold, ...why, ttlMs: null };
}

function held(environment: string, { actor, reason, acquiredAt }: Hold): UserError {
  const why = reason === undefined ? '' : ` (${reason})`;
  return new UserError('environment-held', `${environment} is held by ${actor} since ${acquiredAt}${why}`, {
    hint: 'Free it with: holdfast lock release',
  });
}

function taken(record: LeaseRecord): UserError {
  const since = `since ${record.acquiredAt}`;
  const who = `${record.owner.actor} on ${record.owner.host}`;
  return new UserError('environment-locked', `a ${record.purpose} by ${who} works on ${record.environment} ${since}`, {
    hint: 'Wait until it has ended; look at it with: holdfast lock status',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
