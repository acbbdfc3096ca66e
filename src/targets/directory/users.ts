import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Layout } from './layout.ts';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** `/` for one who has none. */
  readonly home: string;
}

/** Number and name of the user that commands run as on the machine. */
export async function whoAmI(machine: Machine, signal: AbortSignal): Promise<{ uid: number; user: string }> {
  const [uid, user = ''] = (await ask('id -u; id -un', [], machine, signal)).split('\n');
  return { uid: Number(uid), user };
}

/** Users may come from elsewhere than the file, and small systems have the file alone. */
const FIND = `id -u -- "$1" && id -g -- "$1" && { getent passwd -- "$1" 2>/dev/null || cat /etc/passwd; }`;

/** A user of the machine; undefined when there is none of that name. */
export async function findUser(name: string, machine: Machine, signal: AbortSignal): Promise<User | undefined> {
  const [uid = '', gid, ...users] = (await ask(FIND, [name], machine, signal)).split('\n');
  if (uid === '') return undefined;
  // name:password:uid:gid:comment:home:shell
  const own = users.map((line) => line.split(':')).find((fields) => fields[0] === name);
  return { name, uid: Number(uid), gid: Number(gid), home: own?.[5] || '/' };
}

/** What a script of ours says; its arguments are `$1` and so on. */
async function ask(script: string, args: readonly string[], machine: Machine, signal: AbortSignal): Promise<string> {
  const command = { argv: ['/bin/sh', '-c', script, 'sh', ...args] as const, env: machine.environment };
  return (await machine.processes.run(command, { timeoutMs: 30_000 }, signal)).stdout;
}

/** The user that a service runs as. Throws UserError `user-unknown`. */
export async function userOf(service: string, name: string, machine: Machine, signal: AbortSignal): Promise<User> {
  const user = await findUser(name, machine, signal);
  if (user !== undefined) return user;
  throw new UserError('user-unknown', `there is no user ${name} on ${machine.name}`, {
    hint: `Create it there, or correct services.${service}.run.user.`,
  });
}

/** A service writes to its shared folders as its own user. What lies in them already keeps its owner. */
export async function giveShared(
  service: string,
  shared: readonly string[],
  owner: User,
  { layout, machine }: { readonly layout: Layout; readonly machine: Machine },
): Promise<void> {
  for (const folder of ['', ...shared]) {
    const path = join(layout.shared(service), folder);
    const status = await machine.files.status(path);
    if (status?.type === 'directory' && status.uid !== owner.uid) {
      await machine.files.setOwner(path, owner.uid, owner.gid);
    }
  }
}
