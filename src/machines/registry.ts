import { UserError } from '../core/errors.ts';
import { sealedNames } from '../core/sealed.ts';
import type { Platform } from '../platform/platform.ts';
import type { SshTarget, TargetSettings } from '../targets/settings.ts';
import { localMachine } from './local.ts';
import type { Machine } from './machine.ts';
import { sshMachine } from './ssh/ssh-machine.ts';

/** Connects to one machine. Rejects with OutsideError or UserError when it cannot be reached. */
export type Connect = () => Promise<Machine>;

/** Connections of one run, by what they lead to: an environment that is opened again uses them again. */
const connections = new WeakMap<Platform['ending'], Map<string, Promise<Machine>>>();

/** The machines of a target, in order; the first is the seat. Touches nothing yet. */
export function connectMachines(target: TargetSettings, platform: Platform): readonly Connect[] {
  switch (target.kind) {
    case 'directory':
      return [async () => localMachine(platform)];
    case 'ssh':
      return target.hosts.map((host) => () => connectOnce(target, host, platform));
  }
}

function connectOnce(target: SshTarget, host: string, platform: Platform): Promise<Machine> {
  const open = connections.get(platform.ending) ?? new Map<string, Promise<Machine>>();
  connections.set(platform.ending, open);
  const name = JSON.stringify([host, target.user, target.port, target.key, target.host_keys?.[host]]);
  const known = open.get(name);
  if (known !== undefined) return known;
  const connecting = connectTo(target, host, platform);
  open.set(name, connecting);
  // What could not be reached now may be reached at the next try.
  connecting.catch(() => open.delete(name));
  return connecting;
}

async function connectTo(
  { user, port, key, host_keys }: SshTarget,
  host: string,
  platform: Platform,
): Promise<Machine> {
  const keys = host_keys?.[host];
  const [missing] = sealedNames(key);
  if (missing !== undefined) {
    throw new UserError('secret-not-here', `target.key needs the secret ${missing}, which is not set here`, {
      hint: `Set ${missing}; without it ${host} cannot be reached.`,
    });
  }
  const machine = await sshMachine(
    {
      host,
      port,
      ...(user === undefined ? {} : { user }),
      ...(key === undefined ? {} : { key }),
      ...(keys === undefined ? {} : { host_keys: keys }),
    },
    platform,
  );
  platform.ending.later(() => machine.close());
  return machine;
}
