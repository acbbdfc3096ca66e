import { tmpdir } from 'node:os';
import { UserError } from '../core/errors.ts';
import { EXIT } from '../core/report.ts';
import { githubCache } from '../platform/github-cache.ts';
import type { Log } from '../platform/log.ts';
import type { Platform } from '../platform/platform.ts';
import { connectWorkflow } from '../platform/workflow.ts';
import { type HostIdentity, runOnGithub } from './github.ts';
import type { GithubAction } from './github-action.ts';
import type { PolicyFile } from './governed-configuration.ts';
import { listenForInterrupts } from './interrupt.ts';
import { hostPlatform } from './platform.ts';
import { actionsRunner } from './runner.ts';

/** What a token proves. */
export interface Proven {
  readonly actor: string;
  readonly environment: string | undefined;
  readonly runId: string | undefined;
  readonly attempt: number;
}

/** Who asks, by verified claims of a token; `repositoryId` is the repository of this job. */
export type ReadClaims = (claims: unknown, expected: { readonly repositoryId: string }) => Promise<Proven>;

/** Tokens for anybody else are refused, and those for Holdfast are of no use elsewhere. */
const AUDIENCE = 'holdfast';

/**
 * The program of one step: runs one action with what the runner gave to this process, and ends the process. The exit
 * code is 0 when the decision is to proceed and 1 when it is to stop; more than that a runner does not tell apart.
 */
export async function runStep(name: string, load: () => Promise<GithubAction>, readClaims: ReadClaims): Promise<void> {
  // Node's own text for these names files of the bundle and may hold anything.
  process.on('uncaughtException', () => {
    process.stdout.write('::error::holdfast was ended by a bug of Holdfast\n', () => process.exit(EXIT.stop));
  });
  // Node warns of old code in packages of the bundle, which nobody who reads the log of a job can change.
  process.noDeprecation = true;
  // A cancelled job sends SIGINT, then SIGTERM, then kills: the second is no reason to undo less.
  const signal = listenForInterrupts(
    process,
    () => {},
    () => performance.now(),
  );
  await runOnGithub(name, load, {
    runner: actionsRunner(process.env),
    env: process.env,
    cwd: process.cwd(),
    now: () => Date.now(),
    signal,
    platform: jobPlatform,
    workflow: (token, signal) => connectWorkflow(process.env, token, signal),
    readPolicy,
    proveIdentity: (platform) => proveIdentity(platform, readClaims),
  });
  // Listening for signals, a kept connection or a timer would keep the process alive.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}

/** The effects of this computer, and what GitHub gives to a job beside them. */
function jobPlatform(log: Log, signal: AbortSignal): Platform {
  const temporary = process.env['RUNNER_TEMP'] ?? tmpdir();
  return { ...hostPlatform(log, signal), buildCache: githubCache(process.env, temporary) };
}

/**
 * Who asks, from GitHub's token. A job without `id-token: write` has none: what its environment says about people can
 * be changed by steps before this one, so such a job acts for nobody who could have a role.
 */
async function proveIdentity(platform: Platform, readClaims: ReadClaims): Promise<HostIdentity> {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY_ID: repositoryId, GITHUB_ACTOR_ID: id } = process.env;
  if ((process.env['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '') === '') return { actor: `unproven:${id ?? ''}` };
  const { issuerOf, systemOidc } = await import('../platform/oidc.ts');
  const oidc = systemOidc(platform.http, platform.signal);
  const issuer = issuerOf(server ?? 'https://github.com');
  const token = await oidc.token(AUDIENCE);
  const claims = token === undefined ? undefined : await oidc.verify(token, { issuer, audience: AUDIENCE });
  const proven = await readClaims(claims, { repositoryId: repositoryId ?? '' });
  if (proven.attempt > 1) await refuseRunAgain(proven, platform);
  return { actor: proven.actor, environmentPassed: proven.environment };
}

/**
 * A run that is run again keeps the claims of who began it, whoever pressed the button: only the same person may. The API
 * tells who it was.
 */
async function refuseRunAgain({ actor, runId, attempt }: Proven, { workflow }: Platform): Promise<void> {
  const by = runId === undefined ? undefined : await workflow?.runAgainBy(Number(runId), attempt);
  if (by !== undefined && actor === `user:${by}`) return;
  const who = by === undefined ? 'somebody who is not known' : `user:${by}`;
  throw new UserError('run-again-by-another', `${actor} began this run, and ${who} runs it again`, {
    hint: 'Start a new run: it is yours then. The job needs "actions: read" to see who runs it again.',
  });
}

/** The configuration of the default branch, at its head: what was reviewed, not what is released. */
async function readPolicy(path: string, token: string, signal: AbortSignal): Promise<PolicyFile> {
  const { GITHUB_REPOSITORY: repository, GITHUB_API_URL: apiUrl } = process.env;
  if (token === '' || repository === undefined) {
    throw new UserError('no-policy', 'the policy of the default branch cannot be read without the input github-token', {
      hint: 'Pass ${{ github.token }}, and give the job "contents: read".',
    });
  }
  const { connectGithub } = await import('../platform/github.ts');
  const github = connectGithub({ token, repository, apiUrl: apiUrl ?? 'https://api.github.com' }, signal);
  const branch = await github.defaultBranch();
  const head = await github.branch(branch);
  if (head === undefined) throw new UserError('no-policy', `${repository} has no branch ${branch} yet`);
  return { branch, isProtected: head.isProtected, bytes: await github.readFile(path, head.commit) };
}
