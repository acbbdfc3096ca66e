import { UserError } from '../../core/errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Command } from '../../platform/processes.ts';
import type { Instances, Startable } from './instances.ts';
import type { Layout } from './layout.ts';
import { giveShared, type User, userOf, whoAmI } from './users.ts';

export interface ServiceCommandParts {
  readonly layout: Layout;
  readonly machine: Machine;
  readonly instances: Pick<Instances, 'environmentOf'>;
  readonly signal: AbortSignal;
}

/**
 * A command beside a service, such as its migration: in the folder of its release, with its environment, as its user, who
 * gets its shared folders. Throws UserError `user-unknown`, `user-not-possible` or `program-missing`.
 */
export async function serviceCommand(
  startable: Startable,
  argv: Command['argv'],
  { layout, machine, instances, signal }: ServiceCommandParts,
): Promise<Command & { readonly cwd: string }> {
  const { service, release, settings } = startable;
  const command = { argv, cwd: layout.service(release, service), env: instances.environmentOf(startable) };
  const { user } = settings.run;
  if (user === undefined) return command;
  const self = await whoAmI(machine, signal);
  if (self.user === user) return command;
  if (self.uid !== 0) {
    throw new UserError('user-not-possible', `${self.user} on ${machine.name} cannot start a command as ${user}`, {
      hint: `Run it as ${user} or as root of that machine: services.${service}.run.user names who the service is.`,
    });
  }
  const found = await userOf(service, user, machine, signal);
  const become = await findSwitch(machine, signal);
  if (become === undefined) throw switchMissing(service, machine);
  await giveShared(service, settings.shared, found, { layout, machine });
  const env = { ...command.env, HOME: found.home };
  return { ...command, argv: argvAs(found, become, command), env };
}

/** The program that starts a command as another user. */
export interface Switch {
  readonly kind: 'setpriv' | 'runuser';
  readonly path: string;
}

/** Looks where a login looks, and where the programs of root are; one that knows too few options does not count. */
const FIND = `PATH="$PATH:/usr/sbin:/sbin"
case "$(setpriv --help 2>&1)" in *--init-groups*) echo setpriv; command -v setpriv; exit;; esac
command -v runuser >/dev/null && { echo runuser; command -v runuser; }`;

/** Undefined when the machine has none. */
export async function findSwitch(machine: Machine, signal: AbortSignal): Promise<Switch | undefined> {
  const command = { argv: ['/bin/sh', '-c', FIND] as const, env: machine.environment };
  const { stdout } = await machine.processes.run(command, { timeoutMs: 30_000 }, signal);
  const [kind, path] = stdout.split('\n');
  return path !== undefined && (kind === 'setpriv' || kind === 'runuser') ? { kind, path } : undefined;
}

function argvAs({ name, uid, gid }: User, { kind, path }: Switch, { argv, env }: Command): [string, ...string[]] {
  if (kind === 'setpriv') return [path, `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', ...argv];
  // It sets variables that the service does not get.
  const unset = ['USER', 'LOGNAME'].filter((variable) => env[variable] === undefined);
  return [path, '-u', name, '--', '/usr/bin/env', ...unset.flatMap((variable) => ['-u', variable]), ...argv];
}

function switchMissing(service: string, { name }: Machine): UserError {
  return new UserError('program-missing', missingSwitch(service, name), { hint: INSTALL_SWITCH });
}

export function missingSwitch(service: string, machine: string): string {
  return `${machine} has no program setpriv or runuser, which commands of ${service} need to run as its user`;
}

export const INSTALL_SWITCH = 'Install it there (on Debian: apt-get install util-linux), or remove run.user.';
