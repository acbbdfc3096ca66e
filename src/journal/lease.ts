import { join } from 'node:path';
import { z } from 'zod';
import { callOf, isSameCall, type WorkflowCall } from '../core/admission.ts';
import { errorCode, OutsideError, UserError } from '../core/errors.ts';
import { parseJson } from '../core/json-path.ts';
import type { Machine } from '../machines/machine.ts';
import type { Platform } from '../platform/platform.ts';
import { held, holdIn, type LeasePurpose, LeaseRecord, putBack, taken } from './lease-record.ts';

export interface Lease {
  readonly record: LeaseRecord;
  /** Whose work was broken off by it: a step of theirs may still be under way. */
  readonly preempted?: LeaseRecord;
  /** Rejects when somebody else took it over: then nothing may be changed any more. */
  assertHeld(): Promise<void>;
  /** Gives it back. `undone`: nothing came of it, so that the hold that it would have left is not there either. */
  release(how?: 'undone' | undefined): Promise<void>;
  /** Leaves it with the run of the workflow, whose next step takes it up. */
  keep(): Promise<void>;
}

export interface LeaseRequest {
  readonly environment: string;
  readonly purpose: LeasePurpose;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Takes it from a release that is at work too, whose next step is then refused. */
  readonly preempts?: boolean;
  /** A hold is there afterwards, for this reason: what waits must not undo the work. */
  readonly leavesHold?: string | undefined;
}

export interface Leases {
  /** The lease as it lies there, whoever has it. */
  current(): Promise<LeaseRecord | undefined>;
  /** True when nobody stands behind it any more: its process or its run has ended, or its time is over. A hold never is. */
  isStale(record: LeaseRecord): Promise<boolean>;
  /** Whether the process or the run behind it has ended; undefined where only time can tell. */
  isGone(record: LeaseRecord): Promise<boolean | undefined>;
  /** True when an earlier step of the same workflow kept it. */
  isOwn(record: LeaseRecord): boolean;
  /**
   * Takes the lease, over a stale one and over one of the same workflow if need be. Rejects with UserError
   * `environment-locked` or `environment-held`. All but a release run under a person's hold, which they put back when they are done.
   */
  acquire(request: LeaseRequest): Promise<Lease>;
  /** A person's hold. Held already: its reason is replaced. */
  hold(request: Omit<LeaseRequest, 'purpose'>): Promise<LeaseRecord>;
  /** Frees a hold or a stale lease; false when there was none. Rejects when somebody is at work. */
  free(): Promise<boolean>;
}

/** Long enough for a laptop that sleeps for a moment, short enough for a queue to go on the same hour. */
const TTL_MS = 60_000;
/** Between two steps of a workflow nobody renews; that its run has ended GitHub tells at once. */
const RUN_TTL_MS = 600_000;
const SUCCESSION_POLL_MS = 50;

/** When the owner with this nonce last said that it is there. */
const Renewal = z.strictObject({ nonce: z.string(), renewedAt: z.string() });

export function openLeases(
  path: string,
  machine: Machine,
  platform: Pick<Platform, 'clock' | 'identity' | 'processes' | 'random' | 'workflow'>,
): Leases {
  const { files } = machine;
  // Owners are processes of the computers that Holdfast runs on, wherever the environment lies.
  const { processes, workflow } = platform;
  const folder = join(path, '..');
  const renewalPath = join(folder, 'lease-renewed.json');
  const nextPath = join(folder, 'lease-next.json');
  const ownRun = callOf(workflow);
  const ttlMs = ownRun === undefined ? TTL_MS : RUN_TTL_MS;

  const leases: Leases = {
    async current() {
      const record = await read();
      if (record === undefined) return undefined;
      const renewed = Renewal.safeParse(parseJson((await files.read(renewalPath))?.toString('utf8') ?? '')).data;
      return renewed?.nonce === record.nonce ? { ...record, renewedAt: renewed.renewedAt } : record;
    },
    async isStale(record) {
      if (record.ttlMs === null) return false;
      const gone = await leases.isGone(record);
      return gone ?? (await machine.now()) - Date.parse(record.renewedAt) > record.ttlMs;
    },
    async isGone({ owner: { host, process, run } }) {
      // Between two steps of a run no process lives. GitHub says when it has ended, and nothing of what is still at work.
      if (run !== undefined) return (await hasEnded(run)) ? true : undefined;
      if (host !== platform.identity.host || process === undefined) return undefined;
      return !(await processes.isAlive(process));
    },
    isOwn: ({ owner }) => isSameCall(owner.run, ownRun),
    async acquire(request) {
      for (;;) {
        const existing = await leases.current();
        const hold = existing === undefined ? undefined : holdIn(existing);
        if (hold !== undefined && !passesHold(request)) throw held(request.environment, hold);
        const way = existing === undefined ? 'free' : await wayTo(existing, request);
        if (existing !== undefined && way === undefined) throw taken(existing);
        const fresh = await newRecord(request, (existing?.token ?? 0) + 1);
        const under = hold ?? leftBy(request, fresh);
        const since = existing !== undefined && leases.isOwn(existing) ? { acquiredAt: existing.acquiredAt } : {};
        const record = { ...fresh, ...since, ...(under === undefined ? {} : { under }) };
        if (!(await succeed(existing, record))) continue;
        const lease = owned(record, hold !== undefined);
        return existing !== undefined && way === 'preempted' ? { ...lease, preempted: existing } : lease;
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
        if (await succeed(existing, record)) return record;
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

  async function read(from = path): Promise<LeaseRecord | undefined> {
    const bytes = await files.read(from);
    if (bytes === undefined) return undefined;
    const found = LeaseRecord.safeParse(parseJson(bytes.toString('utf8')));
    if (found.success) return found.data;
    throw new OutsideError('target-damaged', `${from} on ${machine.name} is not what Holdfast wrote`, {
      hint: 'See with "holdfast status" that nobody is at work, then move the file away.',
    });
  }

  /** How the lease that lies there may be taken; undefined when it may not. */
  async function wayTo(
    existing: LeaseRecord,
    { purpose, preempts }: LeaseRequest,
  ): Promise<'free' | 'preempted' | undefined> {
    if (existing.purpose === 'hold' || leases.isOwn(existing) || (await leases.isStale(existing))) return 'free';
    return preempts === true && purpose !== 'release' && existing.purpose === 'release' ? 'preempted' : undefined;
  }

  /** True when GitHub says so. A later attempt means that the earlier one is over. */
  async function hasEnded({ repository, id, attempt }: WorkflowCall): Promise<boolean> {
    if (workflow === undefined || repository !== workflow.run.repository) return false;
    // Where it cannot be asked only time tells.
    const found = await workflow.find(id).catch(() => undefined);
    return found !== undefined && (found.hasEnded || found.attempt > attempt);
  }

  async function newRecord(request: LeaseRequest, token: number): Promise<LeaseRecord> {
    const at = new Date(await machine.now()).toISOString();
    const isHold = request.purpose === 'hold';
    const process = isHold ? undefined : await processes.identify(platform.identity.pid);
    const run = isHold ? undefined : ownRun;
    const owner = { actor: request.actor, host: platform.identity.host };
    return {
      schema: 1,
      environment: request.environment,
      purpose: request.purpose,
      token,
      owner: { ...owner, ...(process === undefined ? {} : { process }), ...(run === undefined ? {} : { run }) },
      nonce: platform.random.hex(8),
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      acquiredAt: at,
      renewedAt: at,
      ttlMs,
    };
  }

  /**
   * Puts a lease in the place of what lies there, in one step: at every moment others see a lease, or the hold that it runs
   * under. False when somebody else was faster. Who makes the file beside it is the only one that replaces.
   */
  async function succeed(existing: LeaseRecord | undefined, record: LeaseRecord): Promise<boolean> {
    const text = JSON.stringify(record);
    if (existing === undefined) return files.create(path, text, 0o600);
    if (!(await files.create(nextPath, text, 0o600))) {
      await clearDeadSuccession();
      return false;
    }
    if ((await read())?.nonce !== existing.nonce) {
      await files.remove(nextPath);
      return false;
    }
    return renamed(nextPath, path);
  }

  /** Somebody was killed in the instant between making the file and renaming it, or is about to rename it. */
  async function clearDeadSuccession(): Promise<void> {
    const found = await read(nextPath);
    if (found === undefined) return;
    const ageMs = (await machine.now()) - Date.parse(found.renewedAt);
    if ((await leases.isGone(found)) === true || ageMs > TTL_MS) await files.remove(nextPath);
    else await platform.clock.sleep(SUCCESSION_POLL_MS, new AbortController().signal);
  }

  /** False when there was nothing any more. */
  async function renamed(from: string, to: string): Promise<boolean> {
    try {
      await files.rename(from, to);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /**
   * Takes a lease out of the way by rename, which one of several contenders wins. A slow loser may find that it moved the
   * winner's new lease: it puts that back, by exclusive create, and goes round again.
   */
  async function takeAway(existing: LeaseRecord): Promise<void> {
    if ((await read())?.nonce !== existing.nonce) return;
    const aside = join(folder, `stale-lease-${existing.token}-${platform.random.hex(4)}.json`);
    if (!(await renamed(path, aside))) return;
    const moved = (await files.read(aside))?.toString('utf8') ?? '';
    if (LeaseRecord.safeParse(parseJson(moved)).data?.nonce !== existing.nonce) await files.create(path, moved, 0o600);
    await files.remove(aside);
  }

  function owned(record: LeaseRecord, wasHeld: boolean): Lease {
    // A lease that was damaged meanwhile is not ours to change; whoever comes next is told of it.
    const isOurs = async () => (await read().catch(() => undefined))?.nonce === record.nonce;
    // Beside the lease: whoever took it over between our look and our word would find its own overwritten.
    const renew = async () => {
      if (!(await isOurs())) return;
      const renewedAt = new Date(await machine.now()).toISOString();
      await files.write(renewalPath, JSON.stringify({ nonce: record.nonce, renewedAt }), 0o600);
    };
    let renewing: Promise<void> = Promise.resolve();
    const stopRenewing = platform.clock.every(ttlMs / 3, () => {
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
      async release(how) {
        stopRenewing();
        // One that is under way would write the lease again after it was given back.
        await renewing;
        if (!(await isOurs())) return;
        // Replaced in one step: a release that waits must not slip in before the hold is there again.
        if (record.under === undefined || (how === 'undone' && !wasHeld)) await takeAway(record);
        else await files.write(path, JSON.stringify(putBack(record, record.under)), 0o600);
      },
      async keep() {
        stopRenewing();
        await renewing;
        await renew();
      },
    };
  }

  return leases;
}

/** A hold keeps releases out; the way back and the copies of the state go on. */
function passesHold({ purpose }: LeaseRequest): boolean {
  return purpose !== 'release' && purpose !== 'hold';
}

/** The hold that somebody wants to be there afterwards. */
function leftBy({ actor, leavesHold }: LeaseRequest, { acquiredAt }: LeaseRecord): LeaseRecord['under'] {
  return leavesHold === undefined ? undefined : { actor, reason: leavesHold, acquiredAt };
}
