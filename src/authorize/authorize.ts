import type { Finding } from '../core/finding.ts';
import type { Decision } from '../core/report.ts';
import { describeWindow, frozenBy } from './freeze.ts';
import type { AccessSettings, Role } from './settings.ts';

/** What somebody wants to do. Automatic rollback and recover need no role and are not asked about. */
export type AccessAction = 'release' | 'rollback' | 'restore' | 'hold' | 'approve' | 'override';

export const ACCESS_REASONS = ['allowed', 'no-role', 'frozen', 'no-policy'] as const;
export type AccessReason = (typeof ACCESS_REASONS)[number];

export interface AccessRequest {
  /** `os:alice`, `user:1234`. */
  readonly actor: string;
  readonly action: AccessAction;
  /** Undefined where the configuration has no `access`. */
  readonly access: AccessSettings | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Access {
  readonly decision: Decision;
  readonly reason: AccessReason;
  /** The role that allows it; undefined where none does or none is asked for. */
  readonly role?: Role;
  /** One sentence of plain text. */
  readonly message: string;
  readonly remedy?: string;
}

const ROLE_OF: Record<AccessAction, Role> = {
  release: 'deployer',
  rollback: 'restorer',
  restore: 'restorer',
  hold: 'restorer',
  approve: 'approver',
  override: 'approver',
};

const VERB_OF: Record<AccessAction, string> = {
  release: 'release',
  rollback: 'roll back',
  restore: 'restore data',
  hold: 'hold the environment',
  approve: 'approve',
  override: 'override a gate',
};

/**
 * Whether this actor may do this now. Pure. Without a policy everybody may who can start it; with one, nobody may who is
 * not named. Freeze windows stop releases only: the way back stays open.
 */
export function decideAccess({ actor, action, access, now }: AccessRequest): Access {
  const verb = VERB_OF[action];
  if (access === undefined) {
    return {
      decision: 'proceed',
      reason: 'no-policy',
      message: `${actor} may ${verb}, as may everybody: the configuration has no access`,
      remedy: 'Name who may do what under access.roles.',
    };
  }
  const role = ROLE_OF[action];
  if (access.roles[role]?.includes(actor) !== true) {
    return {
      decision: 'stop',
      reason: 'no-role',
      message: `${actor} may not ${verb}: that takes the role ${role}`,
      remedy: `Ask somebody with the role ${role}, or add ${actor} to access.roles.${role}.`,
    };
  }
  const window = action === 'release' ? frozenBy(access.freeze, now) : undefined;
  if (window !== undefined) {
    return {
      decision: 'stop',
      reason: 'frozen',
      role,
      message: `no release starts ${describeWindow(window)}`,
      remedy: 'Release when the window is over; a rollback may start at any time.',
    };
  }
  return { decision: 'proceed', reason: 'allowed', role, message: `${actor} may ${verb} as ${role}` };
}

/** The decision as a finding of the report. */
export function accessFinding(access: Access): Finding {
  const outcome = access.decision === 'stop' ? 'fail' : access.reason === 'no-policy' ? 'warn' : 'pass';
  const severity = outcome === 'fail' ? 'high' : outcome === 'warn' ? 'medium' : 'info';
  return {
    check: 'access',
    layer: 'release',
    outcome,
    severity,
    message: access.message,
    ...(access.remedy === undefined ? {} : { remedy: access.remedy }),
    ...(outcome === 'pass' ? {} : { path: access.reason === 'frozen' ? 'access.freeze' : 'access' }),
  };
}
