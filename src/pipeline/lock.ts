import { z } from 'zod';
import { accessFinding, decideAccess } from '../authorize/authorize.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { composeReport, type ReportParts } from '../core/report.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';

const none = z.strictObject({});
const holdInputs = z.strictObject({
  reason: z.string().min(1).max(500).optional().meta({ description: 'Why, for whoever meets the hold' }),
});

type LockAction<Inputs extends z.ZodObject> = Action<Inputs, Configuration, Platform>;

/** Who may change the environment now. */
export const lockStatus: LockAction<typeof none> = {
  name: 'lock status',
  alsoCalled: 'lock',
  summary: 'who may change the environment now',
  group: 'Release',
  settings: 'configuration',
  withoutSecrets: true,
  inputs: none,
  reasons: ['free', 'held', 'locked', 'stale'],
  run: ({ settings }, platform) =>
    answer('lock status', settings, platform, false, async ({ leases }) => {
      const lease = await leases.current();
      if (lease === undefined)
        return { reason: 'free', summary: `nobody holds ${settings.environment}`, record: { lease: null } };
      const stale = await leases.isStale(lease);
      const why = lease.reason === undefined ? '' : `: ${lease.reason}`;
      return {
        reason: stale ? 'stale' : lease.purpose === 'hold' ? 'held' : 'locked',
        summary: stale
          ? `a ${lease.purpose} by ${lease.owner.actor} died; the next run takes over`
          : `${settings.environment} has been ${lease.purpose === 'hold' ? 'held' : `worked on (${lease.purpose})`} by ${lease.owner.actor} since ${lease.acquiredAt}${why}`,
        record: { lease: { ...lease, stale } },
      };
    }),
};

/** A person's hold: no release starts until it is freed; rollbacks and recovery may run. */
export const lockHold: LockAction<typeof holdInputs> = {
  name: 'lock hold',
  summary: 'hold the environment: no release starts until the hold is freed',
  group: 'Release',
  settings: 'configuration',
  withoutSecrets: true,
  inputs: holdInputs,
  examples: ['lock hold --reason "month-end closing"'],
  reasons: ['held', 'no-role'],
  run: ({ inputs, settings }, platform) =>
    answer('lock hold', settings, platform, true, async ({ leases }) => {
      const actor = platform.identity.actor;
      const refused = refuse(settings, platform);
      if (refused !== undefined) return refused;
      const lease = await leases.hold({ environment: settings.environment, actor, reason: inputs.reason });
      return { reason: 'held', summary: `${settings.environment} is held by ${actor}`, record: { lease } };
    }),
};

export const lockRelease: LockAction<typeof none> = {
  name: 'lock release',
  summary: 'free a hold, or the lease of a run that died',
  group: 'Release',
  settings: 'configuration',
  withoutSecrets: true,
  inputs: none,
  reasons: ['freed', 'free', 'no-role'],
  run: ({ settings }, platform) =>
    answer('lock release', settings, platform, false, async ({ leases }) => {
      const refused = refuse(settings, platform);
      if (refused !== undefined) return refused;
      const freed = await leases.free();
      return freed
        ? { reason: 'freed', summary: `${settings.environment} is free` }
        : { reason: 'free', summary: `nobody held ${settings.environment}` };
    }),
};

/** Holding and freeing take the role restorer, where the configuration names roles. */
function refuse({ access }: Configuration, { identity, clock }: Platform): ReportParts | undefined {
  const decided = decideAccess({ actor: identity.actor, action: 'hold', access, now: clock.now() });
  if (decided.decision === 'proceed') return undefined;
  return { decision: 'stop', reason: decided.reason, summary: decided.message, findings: [accessFinding(decided)] };
}

async function answer(
  name: string,
  settings: Configuration,
  platform: Platform,
  create: boolean,
  work: (environment: Environment) => Promise<ReportParts>,
) {
  const startedAt = platform.clock.now();
  const parts = await work(await openEnvironment(settings, platform, { create }));
  return composeReport(name, subjectOf(settings), { startedAt, finishedAt: platform.clock.now() }, parts);
}
