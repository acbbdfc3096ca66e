import { createHmac } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
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
import { createFolders, readOwn } from '../targets/directory/book.ts';
import type { Startable } from '../targets/directory/instances.ts';
import { type Layout, layoutOf } from '../targets/directory/layout.ts';
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

const TargetIdentity = z.strictObject({
  schema: z.literal(1),
  id: z.string(),
  environment: z.string(),
  project: z.string(),
});

/**
 * Opens the environment of a configuration. With `create`, folders and identity are made where they are missing;
 * without, nothing is written and an environment that does not exist yet is simply empty.
 */
export async function openEnvironment(
  settings: Configuration,
  platform: Platform,
  { create }: { create: boolean },
): Promise<Environment> {
  const [first, ...rest] = connectMachines(settings.target, platform);
  if (first === undefined) throw new Error('a target without a machine');
  const seat = await openOne(await first(), settings, platform, create);
  const others: Site[] = [];
  const unreachable: OutsideError[] = [];
  for (const connect of rest) {
    try {
      others.push(await openOne(await connect(), settings, platform, create));
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

async function openOne(machine: Machine, settings: Configuration, platform: Platform, create: boolean): Promise<Site> {
  const shared = layoutOf(rootOf(settings, machine));
  await refuseForeignRoot(shared, settings, machine);
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

/** A root that holds something else, or another environment, is refused before anything is written. */
async function refuseForeignRoot(layout: Layout, settings: Configuration, machine: Machine): Promise<void> {
  const found = await readOwn(layout.identity, TargetIdentity, machine);
  if (found !== undefined) {
    if (found.environment === settings.environment && found.project === settings.project) return;
    throw new UserError(
      'target-not-the-same',
      `${layout.root} belongs to the environment ${found.environment} of ${found.project}, not to ${settings.environment} of ${settings.project}`,
      { hint: `Give environments.${settings.environment}.target.path a folder of its own.` },
    );
  }
  const status = await machine.files.status(layout.root);
  if (status !== undefined && status.type === 'file') {
    throw new UserError('target-not-a-folder', `${layout.root} is a file, not a folder`, {
      hint: `Correct environments.${settings.environment}.target.path.`,
    });
  }
  const foreign = (await machine.files.list(layout.root)).filter((name) => !OWN_NAMES.has(name));
  // Other tools keep releases too, and what is not in our book would be cleared away.
  for (const name of await machine.files.list(layout.releases)) foreign.push(join('releases', name));
  if (foreign.length > 0) {
    throw new UserError(
      'target-not-empty',
      `${layout.root} is not empty and no environment of Holdfast (it holds ${foreign[0]})`,
      {
        hint: `Choose an empty or new folder for environments.${settings.environment}.target.path.`,
      },
    );
  }
}

/** What an interrupted first opening may leave, and what a user may put there before the first release. */
const OWN_NAMES = new Set(['.holdfast', 'releases', 'shared', 'lost+found']);

async function createIdentity(
  layout: Layout,
  settings: Configuration,
  machine: Machine,
  platform: Platform,
): Promise<void> {
  await createFolders(layout, machine);
  await machine.files.create(layout.key, platform.random.hex(32), 0o600);
  const { project, environment } = settings;
  const identity = { schema: 1, id: platform.random.hex(16), environment, project };
  await machine.files.create(layout.identity, JSON.stringify(identity), 0o600);
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
