import { join } from 'node:path';
import { Baseline, isBaselineIntact } from '../checks/baseline.ts';
import { holdsSecret } from '../checks/secrets.ts';
import { artifactName } from '../core/artifact-name.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { parseJson } from '../core/json-path.ts';
import type { Artifact } from '../platform/artifacts.ts';
import type { DefaultBranch, Workflow } from '../platform/workflow.ts';
import type { Environment } from './environment.ts';
import type { FoundBaseline } from './found-baseline.ts';

const FILE = 'baseline.json';
/** Each reader of the repository can download it: what a mask would hide may not stand in it. */
const SHORTEST_SECRET = 4;
/** An artifact is named by its attempt, and GitHub lists by name. Who tried more often records it anew. */
const ATTEMPTS = [1, 2, 3, 4, 5];
/** Each takes some questions to GitHub. */
const TRIES = 20;
/** Of the archive, and of the file in it: structures of some hundred answers are a tenth of that. */
const [MAX_ARCHIVE_BYTES, MAX_BYTES] = [256 * 1024, 4 * 1024 ** 2];
/** What reviewed code of the default branch runs by; a pull request is not yet reviewed. */
const EVENTS = ['push', 'workflow_dispatch', 'schedule'];

/**
 * Keeps a baseline as an artifact of this run, for other environments and for a new server; nothing where no workflow
 * runs. Never rejects: one that could not be kept, or that holds a secret, is a warning.
 */
export async function keepWithRun(
  baseline: Baseline,
  { settings, platform }: Pick<Environment, 'settings' | 'platform'>,
): Promise<Finding[]> {
  const { workflow, files } = platform;
  if (workflow === undefined) return [];
  const text = JSON.stringify(baseline);
  const secret = holdsSecret(text, settings.secretValues, SHORTEST_SECRET);
  if (secret !== undefined) return [notKept(`it holds the value of the secret ${secret}`)];
  try {
    const folder = await files.makeTemporary('holdfast-baseline-');
    try {
      await files.write(join(folder, FILE), text, 0o600);
      await workflow.artifacts.upload(artifactName('baseline', settings, workflow.run.attempt), folder, [FILE]);
    } finally {
      await files.remove(folder);
    }
    return [];
  } catch (error) {
    return [notKept(errorMessage(error))];
  }
}

/**
 * The newest baseline of an environment that a run kept which can be trusted: of this repository, on the default branch,
 * and ended with success unless it is this one. What is in an artifact was put there by whoever could: it is checked, too.
 */
export async function findKept(
  of: string,
  branch: DefaultBranch,
  workflow: Workflow,
  { settings, platform }: Pick<Environment, 'settings' | 'platform'>,
): Promise<FoundBaseline> {
  const names = ATTEMPTS.map((attempt) => artifactName('baseline', { ...settings, environment: of }, attempt));
  const lists = await Promise.all(names.map((name) => workflow.artifacts.list(name)));
  const listed = lists.flat().toSorted((a, b) => b.id - a.id);
  let expired = listed.find(({ isExpired }) => isExpired)?.run;
  let refused: string | undefined;
  for (const artifact of listed.filter(({ isExpired }) => !isExpired).slice(0, TRIES)) {
    try {
      await requireTrusted(artifact, branch, workflow);
      const baseline = await load(artifact, of, workflow, platform);
      return { status: 'found', where: 'artifact', baseline, run: artifact.run };
    } catch (error) {
      const code = error instanceof UserError ? error.code : undefined;
      if (code === 'artifact-expired') expired ??= artifact.run;
      else if (code !== undefined && OF_ONE.has(code)) refused ??= errorMessage(error);
      else if (code !== 'artifact-missing') throw error;
    }
  }
  if (refused !== undefined) return { status: 'refused', environment: of, why: refused };
  if (expired !== undefined) return { status: 'expired', environment: of, run: expired };
  return { status: 'missing', environment: of, isOwn: false };
}

/** What is wrong with one artifact says nothing about an older one. */
const OF_ONE = new Set(['artifact-changed', 'artifact-unsafe', 'baseline-refused']);

/** Throws UserError `baseline-refused` unless reviewed code made it, in a run that ended well. */
async function requireTrusted({ run: id }: Artifact, branch: DefaultBranch, workflow: Workflow): Promise<void> {
  const run = await workflow.find(id);
  if (run === undefined) throw refusal(id, 'GitHub knows of no such run');
  if (!run.isOfThisRepository) throw refusal(id, 'it is one of a fork');
  if (run.branch !== branch.name) throw refusal(id, `it is one of ${run.branch ?? 'no branch'}, not of ${branch.name}`);
  if (!EVENTS.includes(run.event)) throw refusal(id, `it was started by ${run.event}`);
  if (id !== workflow.run.id && run.conclusion !== 'success') {
    throw refusal(id, run.hasEnded ? `it ended with ${run.conclusion ?? 'nothing'}` : 'it has not ended');
  }
  // A tag may be called like the branch.
  if (run.commit !== branch.commit && !(await workflow.isPartOf(run.commit, branch.commit))) {
    throw refusal(id, `its commit ${run.commit.slice(0, 12)} is not on ${branch.name}`);
  }
}

async function load(
  artifact: Artifact,
  of: string,
  { artifacts }: Workflow,
  { files }: Environment['platform'],
): Promise<Baseline> {
  const refuse = (why: string) => refusal(artifact.run, why);
  if (artifact.sizeBytes > MAX_ARCHIVE_BYTES) throw refuse(`its artifact has ${artifact.sizeBytes} bytes`);
  const folder = await files.makeTemporary('holdfast-baseline-');
  try {
    await artifacts.download(artifact, folder);
    const names = await files.list(folder);
    const status = await files.status(join(folder, FILE));
    if (names.length !== 1 || status?.type !== 'file' || status.sizeBytes > MAX_BYTES) {
      throw refuse(`its artifact does not hold a small file ${FILE} alone`);
    }
    const baseline = parseBaseline((await files.read(join(folder, FILE))) ?? Buffer.of());
    if (baseline === undefined) throw refuse('its artifact holds no baseline');
    if (!isBaselineIntact(baseline)) throw refuse('its baseline was changed after it was recorded');
    if (baseline.environment !== of) throw refuse(`its baseline is one of ${baseline.environment}`);
    return baseline;
  } finally {
    await files.remove(folder);
  }
}

/** What bytes from outside say; undefined when they are no baseline. */
export function parseBaseline(bytes: Uint8Array): Baseline | undefined {
  return Baseline.safeParse(parseJson(new TextDecoder().decode(bytes))).data;
}

function refusal(run: number, why: string): UserError {
  return new UserError('baseline-refused', `the one of the run ${run} cannot be trusted: ${why}`);
}

function notKept(why: string): Finding {
  return {
    check: 'baseline-kept',
    layer: 'release',
    outcome: 'warn',
    severity: 'medium',
    message: `the baseline was recorded, and not kept as an artifact of this run: ${why}`,
    remedy: 'When other environments are compared with it, record it once more: the action record-baseline.',
  };
}
