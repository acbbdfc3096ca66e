import { createHmac } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { OutsideError, UserError } from '../core/errors.ts';
import { type Leases, openLeases } from '../journal/lease.ts';

import type { Machine } from '../machines/machine.ts';
import { connectMachines } from '../machines/registry.ts';
import type { Platform } from '../platform/platform.ts';
import { connectSources } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { connectStore } from '../stores/registry.ts';
import type { Store } from '../stores/store.ts';
import type { Startable } from '../targets/directory/instances.ts';
import { layoutOf } from '../targets/directory/layout.ts';
import { createIdentity, identify, refuseOtherTarget } from './identity.ts';
import { openSite, type Site } from './site.ts';

/**
 * Everything that lies at the places where a release runs, opened: the one thing that capabilities work with. It is
 * itself the site of the first machine, the seat, where lease, capsules and store lie and migrations and state run.
 */
export interface Environment extends Site {
  readonly settings: Configuration;
  /** The machines behind the seat, in the order of the configuration. */
  readonly others: readonly Site[];
  /** What was said by machines that could not be opened: a release waits for them, the way back does not. */
  readonly unreachable: readonly OutsideError[];
  readonly leases: Leases;
  readonly store: Store;
  /** The state that a rollback can bring back. */
  readonly sources: readonly Source[];
  readonly platform: Platform;
  /** HMAC-SHA256 under the random key of this target, as hexadecimal text: names a secret's value without telling it. */
  sign(text: string): Promise<string>;
}

/** All sites of an environment, the seat first. */
export function sitesOf(environment: Environment): readonly Site[] {
  return [environment, ...environment.others];
}

/**
 * Opens the environment of a configuration. With `create`, folders and identity are made where they are missing;
 * without, nothing is written and an environment that does not exist yet is simply empty.
 */
export async function openEnvironment(
  settings: Configuration,
  platform: Platform,
  { create }: { create: boolean },
): Promise<Environment> {
  refuseLostDisk(settings, platform);
  const [first, ...rest] = connectMachines(settings.target, platform);
  if (first === undefined) throw new Error('a target without a machine');
  const seat = await openOne(await first(), settings, platform, { create, isSeat: true });
  const others: Site[] = [];
  const unreachable: OutsideError[] = [];
  for (const connect of rest) {
    try {
      others.push(await openOne(await connect(), settings, platform, { create, isSeat: false }));
    } catch (error) {
      if (!(error instanceof OutsideError)) throw error;
      unreachable.push(error);
    }
  }
  return {
    ...seat,
    others,
    unreachable,
    settings,
    platform,
    leases: openLeases(seat.layout.lease, seat.machine, platform),
    store: connectStore(settings.backup.store, { machine: seat.machine, root: seat.layout.root }),
    sources: sourcesOf(seat, settings, platform.signal),
    async sign(text) {
      const key = await seat.machine.files.read(seat.layout.key);
      if (key === undefined) throw new Error(`${seat.layout.key} is missing`);
      return createHmac('sha256', key).update(text).digest('hex');
    },
  };
}

async function openOne(
  machine: Machine,
  settings: Configuration,
  platform: Platform,
  { create, isSeat }: { readonly create: boolean; readonly isSeat: boolean },
): Promise<Site> {
  const shared = layoutOf(rootOf(settings, machine));
  const found = await identify(shared, settings, machine);
  const expected = platform.workflow?.admission?.targets[machine.name];
  if (expected !== undefined) refuseOtherTarget(found, expected, isSeat, shared, machine);
  if (create) await createIdentity(shared, settings, machine, platform);
  const scratch = join(shared.scratch, await scratchName(settings, platform));
  return openSite(machine, { ...shared, scratch }, platform);
}

function sourcesOf({ machine, layout }: Site, settings: Configuration, signal: AbortSignal): readonly Source[] {
  return connectSources(settings.state, {
    machine,
    root: layout.root,
    sharedOf: (service) => layout.shared(service),
    directory: settings.directory,
    signal,
  });
}

/**
 * Each run has scratch of its own, named so that one that was killed can be told from one that still works: by its
 * process where it runs on the same computer, by its moment elsewhere.
 */
async function scratchName(
  { target }: Configuration,
  { identity, processes, random, clock }: Platform,
): Promise<string> {
  if (target.kind !== 'directory') return `${new Date(clock.now()).toISOString()}-${random.hex(4)}`;
  const id = await processes.identify(identity.pid);
  return `${identity.pid}@${id?.startTime ?? 'gone'}`;
}

/** The same environment under another signal: what must end well although the run was interrupted. */
export function withSignal(environment: Environment, signal: AbortSignal): Environment {
  const platform = { ...environment.platform, signal };
  const reopen = ({ machine, layout }: Site) => openSite(machine, layout, platform);
  return {
    ...environment,
    ...reopen(environment),
    others: environment.others.map(reopen),
    platform,
    sources: sourcesOf(environment, environment.settings, signal),
  };
}

/** The root folder of the environment as an absolute path. */
function rootOf({ target, directory }: Configuration, { environment }: Machine): string {
  if (target.path === '~' || target.path.startsWith('~/'))
    return join(environment['HOME'] ?? '/', target.path.slice(1));
  return isAbsolute(target.path) ? join(target.path) : join(directory, target.path);
}

/** What a job of GitHub's own machines leaves on its disk is gone with the job. */
function refuseLostDisk({ target, environment }: Configuration, { workflow }: Platform): void {
  if (target.kind !== 'directory' || workflow?.run.isHosted !== true) return;
  // One job that tries a release out on itself needs no other to find it again.
  if (environment === 'local' && workflow.admission === undefined) return;
  throw new UserError(
    'target-not-shared',
    `environments.${environment}.target is a folder, and the machines of this workflow keep none from one job to the next`,
    {
      hint: 'Release to servers with the target kind "ssh", or let the jobs run on a computer of your own: the input `runs-on`.',
    },
  );
}

/** The services of a release, ready to be started, in the order in which they start. */
export async function startablesOf(release: string, { book }: Pick<Site, 'book'>): Promise<Startable[]> {
  const capsule = await book.capsule(release);
  const { services } = await book.settings(release);
  const startables = Object.entries(capsule.services).map(([service, entry]) => {
    const settings = services[service];
    if (settings === undefined) throw new Error(`the settings of ${release} lack the service ${service}`);
    return { service, release: entry.release, version: entry.version, settings };
  });
  return inOrder(startables);
}

/** Services after those that they depend on; otherwise in the order of the configuration. Cycles are refused when it is loaded. */
export function inOrder(startables: readonly Startable[]): Startable[] {
  const ordered: Startable[] = [];
  const visit = (startable: Startable) => {
    if (ordered.includes(startable)) return;
    for (const name of startable.settings.depends_on) {
      const needed = startables.find(({ service }) => service === name);
      if (needed !== undefined) visit(needed);
    }
    ordered.push(startable);
  };
  for (const startable of startables) visit(startable);
  return ordered;
}
