import { createHmac } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import { type Journal, openJournal } from '../journal/journal.ts';
import { type Leases, openLeases } from '../journal/lease.ts';
import { localMachine } from '../machines/local.ts';
import type { Machine } from '../machines/machine.ts';
import type { Platform } from '../platform/platform.ts';
import { connectSources } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';
import { connectStore } from '../stores/registry.ts';
import type { Store } from '../stores/store.ts';
import type { ActivationTools } from '../targets/directory/activation.ts';
import { createFolders, type ReleaseBook, readOwn, releaseBook } from '../targets/directory/book.ts';
import { directoryInstances, type Instances, type Startable } from '../targets/directory/instances.ts';
import { type Layout, layoutOf } from '../targets/directory/layout.ts';

/** Everything that lies at the place where a release runs, opened: the one thing that capabilities work with. */
export interface Environment {
  readonly settings: Configuration;
  readonly layout: Layout;
  readonly machine: Machine;
  readonly book: ReleaseBook;
  readonly instances: Instances;
  readonly journal: Journal;
  readonly leases: Leases;
  readonly store: Store;
  /** The state that a rollback can bring back. */
  readonly sources: readonly Source[];
  readonly platform: Platform;
  /** HMAC-SHA256 under the random key of this target, as hexadecimal text: names a secret's value without telling it. */
  sign(text: string): Promise<string>;
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
  const machine = localMachine(platform);
  const shared = layoutOf(rootOf(settings, platform));
  await refuseForeignRoot(shared, settings, machine);
  if (create) await createIdentity(shared, settings, machine, platform);
  const layout = { ...shared, scratch: join(shared.scratch, await scratchName(platform.identity.pid, machine)) };
  const wait = (ms: number) => platform.clock.sleep(ms, platform.signal);
  return {
    settings,
    layout,
    machine,
    platform,
    book: releaseBook(layout, machine),
    instances: directoryInstances(layout, machine, wait),
    journal: openJournal(layout.journal, machine),
    leases: openLeases(layout.lease, machine, platform),
    store: connectStore(settings.backup.store, { machine, root: layout.root }),
    sources: connectSources(settings.state, {
      machine,
      root: layout.root,
      sharedOf: (service) => layout.shared(service),
      directory: settings.directory,
      signal: platform.signal,
    }),
    async sign(text) {
      const key = await machine.files.read(layout.key);
      if (key === undefined) throw new Error(`${layout.key} is missing`);
      return createHmac('sha256', key).update(text).digest('hex');
    },
  };
}

/** Each process has scratch of its own, named so that one that was killed can be told from one that still works. */
async function scratchName(pid: number, { processes }: Machine): Promise<string> {
  const id = await processes.identify(pid);
  return `${pid}@${id?.startTime ?? 'gone'}`;
}

/** The same environment under another signal: what must end well although the run was interrupted. */
export function withSignal(environment: Environment, signal: AbortSignal): Environment {
  const platform = { ...environment.platform, signal };
  const wait = (ms: number) => platform.clock.sleep(ms, signal);
  return {
    ...environment,
    platform,
    instances: directoryInstances(environment.layout, environment.machine, wait),
    sources: connectSources(environment.settings.state, {
      machine: environment.machine,
      root: environment.layout.root,
      sharedOf: (service) => environment.layout.shared(service),
      directory: environment.settings.directory,
      signal,
    }),
  };
}

/** The root folder of the environment as an absolute path. */
export function rootOf({ target, directory }: Configuration, { identity }: Pick<Platform, 'identity'>): string {
  if (target.path === '~' || target.path.startsWith('~/')) return join(identity.home, target.path.slice(1));
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

/** What the steps of an activation work with. */
export function toolsOf({ layout, machine, instances, platform }: Environment): ActivationTools {
  return {
    layout,
    machine,
    instances,
    now: platform.clock.now,
    wait: (ms) => platform.clock.sleep(ms, platform.signal),
    signal: platform.signal,
  };
}

/** The services of a release, ready to be started, in the order in which they start. */
export async function startablesOf(release: string, { book }: Environment): Promise<Startable[]> {
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
