import { basename, join } from 'node:path';
import { errorCode } from '../../core/errors.ts';
import type { StepFailed } from '../../core/step.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Startable } from '../directory/instances.ts';
import type { Layout } from '../directory/layout.ts';
import { findSwitch, INSTALL_SWITCH, missingSwitch } from '../directory/service-command.ts';
import { findUser, whoAmI } from '../directory/users.ts';
import { findForeign } from './files.ts';
import type { Manager, Places } from './manager.ts';
import { isUnitPath, unfitVariables } from './quote.ts';
import { gateUnitName, serviceUnitName, unitBase } from './units.ts';

/** Looks only: why systemd could not run these services on this machine; undefined when nothing is in the way. */
export async function checkSystemd(
  startables: readonly Startable[],
  {
    layout,
    machine,
    signal,
    places,
    connect,
    environmentOf,
  }: {
    readonly layout: Layout;
    readonly machine: Machine;
    readonly signal: AbortSignal;
    readonly places: Places;
    connect(): Promise<Manager>;
    environmentOf(startable: Startable): Record<string, string>;
  },
): Promise<StepFailed | undefined> {
  const manager = await connect();
  const missing = await findMissing(manager, machine);
  if (missing !== undefined) return missing;
  if (!isUnitPath(layout.root)) {
    return failed(
      'path-not-for-systemd',
      `the folder ${JSON.stringify(layout.root)} cannot be written in a unit`,
      'Choose one without control characters, and with no space or backslash at its end.',
    );
  }
  if (manager.scope === 'user' && (await machine.files.status(join(places.linger, manager.user))) === undefined) {
    return failed(
      'no-linger',
      `systemd ends the services of ${manager.user} on ${machine.name} when that user logs out`,
      `Let them stay, as root on that machine: loginctl enable-linger ${manager.user}`,
    );
  }
  for (const startable of startables) {
    const { service } = startable;
    const base = unitBase(manager.target.project, manager.target.environment, service);
    for (const unit of [serviceUnitName(base, 1), gateUnitName(base)]) {
      const foreign = await findForeign(unit, manager, machine);
      if (foreign === undefined) continue;
      const remedy = `Is ${basename(unit)} still needed? Otherwise give one of the two another project or environment name.`;
      return failed('unit-taken', foreign, remedy);
    }
    const unfit = unfitVariables(environmentOf(startable))[0];
    if (unfit !== undefined) {
      return failed(
        'variable-not-for-systemd',
        `the variable ${unfit} of ${service} holds a control character, and systemd would leave it out`,
        'Encode its value, for example as base64; tabs and line feeds are allowed.',
      );
    }
    const user = await checkUser(startable, { uid: manager.scope === 'system' ? 0 : 1, user: manager.user }, machine);
    if (user !== undefined) return user;
    const { user: wanted } = startable.settings.run;
    if (wanted !== undefined && (await findUser(wanted, machine, signal)) === undefined) {
      const remedy = `Create it there, or correct services.${service}.run.user.`;
      return failed('user-unknown', `there is no user ${wanted} on ${machine.name}`, remedy);
    }
    const migratesAsOther = wanted !== undefined && wanted !== manager.user && startable.settings.migrate !== undefined;
    if (migratesAsOther && (await findSwitch(machine, signal)) === undefined) {
      return failed('program-missing', missingSwitch(service, machine.name), INSTALL_SWITCH);
    }
  }
  return undefined;
}

/** Looks only: why a service without a supervisor could not run as its user; undefined when it can. */
export async function checkUnsupervised(
  startables: readonly Startable[],
  machine: Machine,
  signal: AbortSignal,
): Promise<StepFailed | undefined> {
  const withUser = startables.filter(({ settings }) => settings.run.user !== undefined);
  if (withUser.length === 0) return undefined;
  const { user } = await whoAmI(machine, signal);
  for (const startable of withUser) {
    const complaint = checkUser(startable, { uid: 1, user }, machine);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

/** Only systemd, and only as root, starts a service as another user. */
function checkUser(
  { service, settings }: Startable,
  self: { readonly uid: number; readonly user: string },
  { name }: Machine,
): StepFailed | undefined {
  const wanted = settings.run.user;
  if (wanted === undefined || wanted === self.user || self.uid === 0) return undefined;
  return failed(
    'user-not-possible',
    `services.${service}.run.user is ${wanted}, but the processes on ${name} are started by ${self.user}`,
    'Take run.supervisor: systemd and release as root of that machine, or release as that user.',
  );
}

async function findMissing(manager: Manager, machine: Machine): Promise<StepFailed | undefined> {
  const remedy = 'Take run.supervisor: none there, or a machine that was started with systemd.';
  try {
    const { stdout, stderr } = await manager.ask('is-system-running');
    const state = stdout.trim();
    // Over ssh a program that is not there is told by the shell.
    if (state === '' && /not found|no such file/i.test(stderr)) {
      return failed('systemd-missing', `there is no systemctl on ${machine.name}`, remedy);
    }
    if (state !== 'offline' && state !== '' && state !== 'unknown') return undefined;
    const whose =
      manager.scope === 'system'
        ? `${machine.name} was not started with systemd`
        : `no systemd runs for the user ${manager.user} on ${machine.name}`;
    return failed('systemd-missing', whose, remedy);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return failed('systemd-missing', `there is no systemctl on ${machine.name}`, remedy);
  }
}

function failed(reason: string, message: string, remedy: string): StepFailed {
  return { outcome: 'failed', reason, message, remedy };
}
