import { DeploymentPayload } from '../core/deployment-payload.ts';
import { errorMessage } from '../core/errors.ts';
import type { Deployment, DeploymentState, Deployments } from '../platform/deployments.ts';
import type { ReleaseRecord } from '../targets/target.ts';
import { type Environment, sitesOf } from './environment.ts';
import { targetIds } from './identity.ts';

interface Told extends Deployment {
  readonly about: DeploymentPayload;
}

/** As many as one run may have left unfinished, and the ones before them. */
const LOOKED_AT = 8;
const OPEN: readonly DeploymentState[] = ['in_progress', 'queued', 'pending', 'waiting'];

/**
 * Tells GitHub that a version is on its way to this environment. A laptop tells nobody, and what GitHub does not take is a
 * warning: its record decides about nothing that is under way.
 */
export async function recordBegun(release: string, version: string, environment: Environment): Promise<void> {
  await tell(environment, async (deployments, commit) => {
    const id = await create(deployments, { release, version }, commit, environment);
    await deployments.setState(id, 'in_progress', `${version} is being released as ${release}`);
  });
}

/**
 * Brings GitHub's record to what the target says: the deployment of what is live is a success, what failed is a failure,
 * what was live before is inactive, and after a rollback the old version has a new deployment. May be called at any time
 * when no release is under way, and again after a kill.
 */
export async function recordOutcome(environment: Environment): Promise<void> {
  await tell(environment, async (deployments) => {
    const all = (await deployments.list(environment.settings.environment))
      .flatMap(readPayload)
      .filter(({ about }) => about.project === environment.settings.project);
    const live = (await environment.book.live())?.record;
    const known = all.findIndex(({ about }) => about.release === live?.release);
    const isCurrent = known >= 0 && !(await wasLeft(all.slice(0, known), environment));
    for (const [index, deployment] of all.slice(0, Math.max(LOOKED_AT, known + 1)).entries()) {
      const record = await environment.book.find(deployment.about.release);
      const [now] = await deployments.states(deployment.id);
      const wanted = isCurrent && index === known ? 'success' : stateOf(record, now);
      if (wanted === undefined || wanted === now) continue;
      await deployments.setState(deployment.id, wanted, describe(deployment.about, record, wanted));
    }
    if (live === undefined || isCurrent) return;
    const before = all[known];
    if (before === undefined) {
      // Released from a laptop: GitHub was never told of it, and which commit it is nobody knows.
      environment.platform.log.warn(`GitHub knows of no deployment of ${live.version}, so it is told of none`);
      return;
    }
    const id = await create(deployments, live, before.commit, environment);
    await deployments.setState(id, 'success', `${live.version} is live again`);
  });
}

/** Whether any of these changed what runs, so that what is live now was left and is live again. */
async function wasLeft(newer: readonly Told[], { journal }: Environment): Promise<boolean> {
  const runs = await Promise.all(newer.map(({ about }) => journal.read(about.release)));
  return runs.some((run) => run !== undefined && run.touching.size > 0);
}

/** What a deployment that is not the newest of what is live should say; undefined leaves it. */
function stateOf(
  record: ReleaseRecord | undefined,
  now: DeploymentState | undefined,
): 'inactive' | 'failure' | undefined {
  if (now !== undefined && !OPEN.includes(now)) return now === 'success' ? 'inactive' : undefined;
  return record?.state === 'good' ? 'inactive' : 'failure';
}

function describe({ version }: DeploymentPayload, record: ReleaseRecord | undefined, state: DeploymentState): string {
  if (state === 'inactive') return `${version} is no longer live`;
  if (state === 'success') return `${version} is live${record?.state === 'good' ? '' : ', but not good'}`;
  // Why it failed may quote what the application said, and everybody who reads the repository reads this.
  return record?.state === 'bad' ? `${version} failed` : `${version} was not released`;
}

async function create(
  deployments: Deployments,
  { release, version }: Pick<ReleaseRecord, 'release' | 'version'>,
  commit: string,
  environment: Environment,
): Promise<number> {
  const targets = JSON.stringify(await targetIds(sitesOf(environment)));
  const description = `${version} as ${release}`;
  const payload = { project: environment.settings.project, release, version, targets };
  return deployments.create({ environment: environment.settings.environment, commit, description, payload });
}

function readPayload(deployment: Deployment): Told[] {
  const about = DeploymentPayload.safeParse(deployment.payload);
  return about.success ? [{ ...deployment, about: about.data }] : [];
}

async function tell(
  { platform: { workflow, log } }: Environment,
  work: (deployments: Deployments, commit: string) => Promise<void>,
): Promise<void> {
  if (workflow === undefined) return;
  try {
    await work(workflow.deployments, workflow.run.commit);
  } catch (error) {
    log.warn(`GitHub's record of deployments was not written: ${errorMessage(error)}`);
  }
}
