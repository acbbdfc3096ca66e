import { join } from 'node:path';
import { z } from 'zod';
import { OutsideError } from '../../core/errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Outcome } from '../../platform/processes.ts';
import { readOwn } from '../directory/book.ts';
import type { Layout } from '../directory/layout.ts';
import { whoAmI } from '../directory/users.ts';
import type { Scope } from './units.ts';

/** Where units lie. Tests give others. */
export interface Places {
  /** For root: the folder of the administrator's units. */
  readonly system: string;
  /** For others, under their home. */
  readonly user: string;
  /** Holds a file for each user whose manager runs without a login. */
  readonly linger: string;
}

export const PLACES: Places = {
  system: '/etc/systemd/system',
  user: '.config/systemd/user',
  linger: '/var/lib/systemd/linger',
};

/** A unit as `systemctl show` tells it. */
export interface UnitState {
  /** active, activating, inactive, failed … */
  readonly active: string;
  readonly result: string;
  /** 0 while none runs. */
  readonly mainPid: number;
  /** The last main process, running or not; 0 when there was none. */
  readonly lastPid: number;
  /** 1: it exited; 2 and 3: a signal ended it. */
  readonly exitCode: number;
  /** Exit status or number of the signal. */
  readonly exitStatus: number;
  readonly needsReload: boolean;
}

/** The systemd that runs our units, and who we are to it. */
export interface Manager {
  readonly scope: Scope;
  readonly user: string;
  readonly home: string;
  readonly unitFolder: string;
  readonly target: { readonly id: string; readonly project: string; readonly environment: string };
  pathOf(unit: string): string;
  /** Runs systemctl and answers what it said, whatever its status. */
  ask(...args: string[]): Promise<Outcome>;
  /** The same; rejects with OutsideError `systemctl-failed` unless it succeeds. */
  tell(...args: string[]): Promise<void>;
  /** Units by name; one that does not exist is inactive. */
  show(units: readonly string[]): Promise<ReadonlyMap<string, UnitState>>;
}

/** Undefined as long as nothing was ever released to this target: it has no name for units yet. */
export async function connectManager(
  layout: Layout,
  machine: Machine,
  signal: AbortSignal,
  places: Places,
): Promise<Manager | undefined> {
  const target = await readOwn(layout.identity, TargetNames, machine);
  if (target === undefined) return undefined;
  const { uid, user } = await whoAmI(machine, signal);
  const scope: Scope = uid === 0 ? 'system' : 'user';
  const home = machine.environment['HOME'] ?? '/';
  const unitFolder = scope === 'system' ? places.system : join(home, places.user);
  const env = { ...machine.environment, LC_ALL: 'C', XDG_RUNTIME_DIR: `/run/user/${uid}` };
  const ask = async (...args: string[]): Promise<Outcome> => {
    const whose = scope === 'user' ? ['--user'] : [];
    const argv = ['systemctl', ...whose, '--no-ask-password', '--no-pager', ...args] as const;
    return machine.processes.run({ argv: [...argv], env }, { timeoutMs: TIMEOUT_MS }, signal);
  };
  const tell = async (...args: string[]): Promise<void> => {
    const { status, timedOut, stderr } = await ask(...args);
    if (status === 0) return;
    const said = timedOut ? 'it did not end in time' : stderr.trim().split('\n').join(' ');
    throw new OutsideError('systemctl-failed', `systemctl ${args.join(' ')} failed on ${machine.name}: ${said}`, {
      hint: `Look at it on ${machine.name} with: systemctl ${[...(scope === 'user' ? ['--user'] : []), 'status', args.at(-1) ?? ''].join(' ')}`,
    });
  };
  return {
    scope,
    user,
    home,
    unitFolder,
    target,
    pathOf: (unit) => join(unitFolder, unit),
    ask,
    tell,
    async show(units) {
      if (units.length === 0) return new Map();
      const { status, stdout, stderr } = await ask('show', `--property=${PROPERTIES.join(',')}`, '--', ...units);
      if (status !== 0) {
        throw new OutsideError('systemctl-failed', `systemctl show failed on ${machine.name}: ${stderr.trim()}`, {
          hint: 'Does systemd run there, and may this user talk to it?',
        });
      }
      return parseStates(stdout);
    },
  };
}

const TargetNames = z.object({ id: z.string(), project: z.string(), environment: z.string() });

/** Longer than any service may take to stop; systemd has limits of its own for each of them. */
const TIMEOUT_MS = 60 * 60_000;

const PROPERTIES = [
  'Id',
  'ActiveState',
  'Result',
  'MainPID',
  'ExecMainPID',
  'ExecMainCode',
  'ExecMainStatus',
  'NeedDaemonReload',
];

/** Blocks of `Name=value` lines with an empty line between them, one for each unit. */
export function parseStates(text: string): ReadonlyMap<string, UnitState> {
  const states = new Map<string, UnitState>();
  for (const block of text.split(/\n\s*\n/)) {
    const values = new Map<string, string>();
    for (const line of block.split('\n')) {
      const split = line.indexOf('=');
      if (split > 0) values.set(line.slice(0, split), line.slice(split + 1));
    }
    const number = (name: string) => Number(values.get(name) ?? '0') || 0;
    const id = values.get('Id');
    if (id === undefined) continue;
    states.set(id, {
      active: values.get('ActiveState') ?? 'inactive',
      result: values.get('Result') ?? '',
      mainPid: number('MainPID'),
      lastPid: number('ExecMainPID'),
      exitCode: number('ExecMainCode'),
      exitStatus: number('ExecMainStatus'),
      needsReload: values.get('NeedDaemonReload') === 'yes',
    });
  }
  return states;
}
