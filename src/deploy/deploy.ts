import { callOf } from '../core/admission.ts';
import type { Capsule } from '../core/capsule.ts';
import { OutsideError } from '../core/errors.ts';
import type { Step } from '../core/step.ts';
import { composeCapsule } from '../environment/capsule.ts';
import { type Environment, inOrder, sitesOf, startablesOf } from '../environment/environment.ts';
import { markRelease, markRun } from '../environment/settle.ts';
import type { Site } from '../environment/site.ts';
import { inBatches, type SiteSteps, walkSites } from '../environment/walk-sites.ts';
import type { Lease } from '../journal/lease.ts';
import type { Walk } from '../journal/walk.ts';
import { activationSteps } from '../targets/directory/activation.ts';
import type { Startable } from '../targets/directory/instances.ts';
import type { LiveRelease } from '../targets/target.ts';
import { migrationSteps } from './migrate.ts';
import { type Staged, stageRelease } from './stage.ts';

export interface DeployRequest {
  readonly release: string;
  readonly version: string;
  /** The one service that changes; all others are carried over. */
  readonly service: string | undefined;
  /** Where the artifact of each service lies on this computer. */
  readonly artifacts: ReadonlyMap<string, string>;
  readonly fingerprints: Capsule['fingerprints'];
  readonly backup: string | undefined;
  readonly baseline: string | undefined;
  readonly actor: string;
}

export interface Deployed {
  readonly capsule: Capsule;
  readonly walk: Walk;
  /** False when it failed before anything that runs was touched. */
  readonly touched: boolean;
}

/** The steps of a deploy on one machine, for `plan` and for the deploy itself. Migrations run on the seat alone. */
export function deploySteps(
  release: string,
  startables: readonly Startable[],
  changed: ReadonlySet<string>,
  retired: readonly string[],
  site: Site,
  environment: Environment,
): Step[] {
  const services = inOrder(startables);
  const migrating = site.layout === environment.layout ? services.filter(({ service }) => changed.has(service)) : [];
  return activationSteps(
    { release, services, changed, retired, between: migrationSteps(migrating, environment), stopAll: false },
    site.tools,
  );
}

/**
 * Stages a release on every machine, enters its capsule, and walks the steps that make it live: first the seat, then the
 * others, and no further after the first failure. The journals of the run stay open: the release is neither good nor bad
 * until it is promoted or rolled back.
 */
export async function deploy(request: DeployRequest, lease: Lease, environment: Environment): Promise<Deployed> {
  const { book, platform, unreachable } = environment;
  const { release } = request;
  // A machine that is missing now would miss the release, and its rollback.
  if (unreachable[0] !== undefined) throw unreachable[0];
  const sites = sitesOf(environment);
  const live = await book.live();
  const staged = await stageEverywhere(request, live, environment);
  const settings = { schema: 1 as const, services: staged.settings };
  const capsule = await composeCapsule(
    { ...request, artifacts: staged.artifacts, carried: staged.carried, settings },
    environment,
  );
  const previous = live?.record.release;
  for (const site of sites) {
    const at = new Date(await site.machine.now()).toISOString();
    await site.book.enter({ capsule, settings, previous, actor: request.actor, run: callOf(platform.workflow), at });
    await site.journal.begin({
      run: release,
      kind: 'deploy',
      release,
      ...(previous === undefined ? {} : { previous }),
      ...(request.backup === undefined ? {} : { backup: request.backup }),
      actor: request.actor,
    });
  }
  const startables = await startablesOf(release, environment);
  const plans = await Promise.all(
    sites.map(async (site): Promise<SiteSteps> => {
      const retired = (await site.instances.services()).filter((service) => settings.services[service] === undefined);
      return { site, steps: deploySteps(release, startables, staged.changed, retired, site, environment) };
    }),
  );
  const walked = await walkSites(release, phasesOf(plans, environment), { lease, platform, onFailure: 'stop' });
  if (walked.completed) {
    await markRun(release, 'deployed', environment);
    await markRelease(release, 'live', undefined, environment);
  }
  return { capsule, walk: walked, touched: touchedAnything(walked) };
}

/** Looking comes first and everywhere; then the seat, on which data is migrated; then the others. */
function phasesOf(plans: readonly SiteSteps[], { settings }: Environment): SiteSteps[][] {
  const looking = plans.map(({ site, steps }) => ({ site, steps: steps.filter(isLooking) }));
  const changing = plans.map(({ site, steps }) => ({ site, steps: steps.filter((step) => !isLooking(step)) }));
  const parallel = settings.target.kind === 'ssh' ? settings.target.max_parallel : 1;
  return [looking, changing.slice(0, 1), ...inBatches(changing.slice(1), parallel)];
}

function isLooking({ looks }: Pick<Step, 'looks'>): boolean {
  return looks === true;
}

async function stageEverywhere(
  { release, version, service, artifacts }: DeployRequest,
  live: LiveRelease | undefined,
  environment: Environment,
): Promise<Staged> {
  const stage = (site: Site) => stageRelease(release, version, service, artifacts, live, site, environment);
  const staged = await stage(environment);
  for (const site of environment.others) {
    const copy = await stage(site);
    const different = Object.entries(copy.artifacts).find(
      ([name, { artifact }]) => staged.artifacts[name]?.artifact !== artifact,
    );
    if (different === undefined) continue;
    throw new OutsideError(
      'artifact-changed',
      `the artifact of ${different[0]} changed while it was copied to ${site.machine.name}`,
      {
        hint: 'Release again when nothing writes to it.',
      },
    );
  }
  return staged;
}

function touchedAnything({ steps }: Walk): boolean {
  return steps.some((step) => !isLooking(step));
}
