import type { Capsule } from '../core/capsule.ts';
import type { Step } from '../core/step.ts';
import { composeCapsule } from '../environment/capsule.ts';
import { type Environment, inOrder, startablesOf, toolsOf } from '../environment/environment.ts';
import type { Lease } from '../journal/lease.ts';
import { type Walk, walk } from '../journal/walk.ts';
import { activationSteps } from '../targets/directory/activation.ts';
import type { Startable } from '../targets/directory/instances.ts';
import { migrationSteps } from './migrate.ts';
import { stageRelease } from './stage.ts';

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

/** The steps of a deploy, for `plan` and for the deploy itself. */
export function deploySteps(
  release: string,
  startables: readonly Startable[],
  changed: ReadonlySet<string>,
  retired: readonly string[],
  environment: Environment,
): Step[] {
  const services = inOrder(startables);
  const migrating = services.filter(({ service }) => changed.has(service));
  return activationSteps(
    { release, services, changed, retired, between: migrationSteps(migrating, environment), stopAll: false },
    toolsOf(environment),
  );
}

/**
 * Stages a release, enters its capsule, and walks the steps that make it live. The journal of the run stays open: the
 * release is neither good nor bad until it is promoted or rolled back.
 */
export async function deploy(request: DeployRequest, lease: Lease, environment: Environment): Promise<Deployed> {
  const { book, journal, instances, machine, platform } = environment;
  const live = await book.live();
  const staged = await stageRelease(
    request.release,
    request.version,
    request.service,
    request.artifacts,
    live,
    environment,
  );
  const settings = { schema: 1 as const, services: staged.settings };
  const capsule = await composeCapsule(
    { ...request, artifacts: staged.artifacts, carried: staged.carried, settings },
    environment,
  );
  await book.enter({
    capsule,
    settings,
    previous: live?.record.release,
    actor: request.actor,
    at: new Date(await machine.now()).toISOString(),
  });
  await journal.begin({
    run: request.release,
    kind: 'deploy',
    release: request.release,
    ...(live === undefined ? {} : { previous: live.record.release }),
    ...(request.backup === undefined ? {} : { backup: request.backup }),
    actor: request.actor,
  });
  const startables = await startablesOf(request.release, environment);
  const retired = (await instances.services()).filter((service) => settings.services[service] === undefined);
  const steps = deploySteps(request.release, startables, staged.changed, retired, environment);
  const walked = await walk(request.release, steps, {
    journal,
    lease,
    clock: platform.clock,
    log: platform.log,
    signal: platform.signal,
  });
  if (walked.completed) {
    await journal.write(request.release, { line: 'mark', mark: 'deployed' });
    await book.mark(request.release, 'live');
  }
  return { capsule, walk: walked, touched: touchedAnything(walked) };
}

/** Everything before the first stop only looks. */
function touchedAnything({ steps }: Walk): boolean {
  return steps.some(({ name }) => name !== 'check-ports');
}
