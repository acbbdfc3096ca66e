import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Objects } from './objects.ts';
import { findOperation } from './openapi.ts';
import {
  countCommits,
  type Deployment,
  type DeploymentStatus,
  type Repository,
  readContent,
  resolveRef,
  type World,
} from './world.ts';

export interface RestRequest {
  readonly method: string;
  /** Below the address of the API, still encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** What was sent as JSON; undefined when nothing was. */
  readonly body: unknown;
  readonly accept: string;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Sent as it is, in place of a body. */
  readonly raw?: Buffer;
}

export interface RestContext {
  readonly world: World;
  readonly objects: Objects;
  /** Where the bytes of an artifact can be fetched without a token. */
  readonly blobUrl: (artifactId: number) => string;
  readonly now: () => Date;
}

interface Call extends RestContext, Pick<RestRequest, 'query' | 'body' | 'accept'> {
  readonly path: Readonly<Record<string, string>>;
  readonly repository: Repository;
}

const ok = (body: unknown): RestAnswer => ({ status: 200, body });
const notFound: RestAnswer = { status: 404, body: { message: 'Not Found', documentation_url: '', status: '404' } };
const unprocessable = (message: string): RestAnswer => ({ status: 422, body: { message, documentation_url: '' } });

/** What of GitHub's API is here, by the name of the operation. */
const ANSWERS: Readonly<Record<string, (call: Call) => RestAnswer>> = {
  'GET /repos/{owner}/{repo}': ({ objects, repository }) => ok(objects.repository(repository)),
  'GET /repos/{owner}/{repo}/contents/{path}': answerContent,
  'GET /repos/{owner}/{repo}/commits/{ref}': ({ objects, repository, path }) => {
    const sha = resolveRef(repository, path['ref'] ?? '');
    return sha === undefined ? unprocessable('No commit found for SHA') : ok(objects.commit(repository, sha));
  },
  'GET /repos/{owner}/{repo}/compare/{basehead}': compareCommits,
  'GET /repos/{owner}/{repo}/branches/{branch}': answerBranch,
  'GET /repos/{owner}/{repo}/branches/{branch}/protection': ({ repository, path }) =>
    repository.protectedBranches.includes(path['branch'] ?? '')
      ? ok({ enabled: true, enforce_admins: { url: 'https://github.com', enabled: true } })
      : { status: 404, body: { message: 'Branch not protected', documentation_url: '' } },
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}': ({ world, objects, repository, path }) => {
    const run = world.runs.find(({ id }) => id === Number(path['run_id']));
    return run === undefined ? notFound : ok(objects.run(repository, run));
  },
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}': ({
    world,
    objects,
    repository,
    path,
  }) => {
    const run = world.runs.find(({ id }) => id === Number(path['run_id']));
    return run?.attempt === Number(path['attempt_number']) ? ok(objects.run(repository, run)) : notFound;
  },
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/artifacts': (call) =>
    listArtifacts(call, ({ runId }) => runId === Number(call.path['run_id'])),
  'GET /repos/{owner}/{repo}/actions/artifacts': (call) => listArtifacts(call, () => true),
  'GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}': (call) => {
    const { world, objects, repository } = call;
    const found = artifactOf(call);
    const run = world.runs.find(({ id }) => id === found?.runId);
    return found === undefined ? notFound : ok(objects.artifact(repository, run, found));
  },
  'GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}': (call) => {
    const found = artifactOf(call);
    if (found === undefined) return notFound;
    if (found.expired) return { status: 410, body: { message: 'Artifact has expired', documentation_url: '' } };
    return { status: 302, headers: { location: call.blobUrl(found.id) } };
  },
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals': ({ world, objects, repository, path }) =>
    ok(
      world.approvals
        .filter(({ runId }) => runId === Number(path['run_id']))
        .map((approval) => objects.approval(repository, approval)),
    ),
  'GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments': ({ world, objects, repository, path }) =>
    ok(
      world.pending
        .filter(({ runId }) => runId === Number(path['run_id']))
        .map((pending) => objects.pending(repository, pending)),
    ),
  'GET /repos/{owner}/{repo}/deployments': listDeployments,
  'POST /repos/{owner}/{repo}/deployments': createDeployment,
  'GET /repos/{owner}/{repo}/deployments/{deployment_id}': (call) => {
    const found = deploymentOf(call);
    return found === undefined ? notFound : ok(call.objects.deployment(call.repository, found));
  },
  'GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses': (call) => {
    const found = deploymentOf(call);
    if (found === undefined) return notFound;
    return ok(pageOf(call, found.statuses).map((status) => call.objects.status(call.repository, found, status)));
  },
  'POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses': createStatus,
  'GET /orgs/{org}/teams/{team_slug}/memberships/{username}': ({ world, path }) => {
    const members = world.teams[`${path['org']}/${path['team_slug']}`] ?? [];
    const url = `https://github.com/orgs/${path['org']}/teams/${path['team_slug']}`;
    return members.includes(path['username'] ?? '') ? ok({ url, role: 'member', state: 'active' }) : notFound;
  },
};

/**
 * Answers one request to the API and says what about it, or about the answer, is not as GitHub describes. A request
 * that GitHub knows and this program does not is such a problem too.
 */
export function answerRest(request: RestRequest, context: RestContext): { answer: RestAnswer; problems: string[] } {
  const operation = findOperation(request.method, request.path);
  if (operation === undefined) {
    return { answer: notFound, problems: [`GitHub describes no ${request.method} ${request.path}`] };
  }
  const problems = operation.problemsOfRequest(request);
  const answer = operation.name in ANSWERS ? answerOf(operation.name, operation.path, request, context) : undefined;
  if (answer === undefined) {
    return { answer: notFound, problems: [...problems, `the loopback GitHub does not know ${operation.name} yet`] };
  }
  const body = answer.raw === undefined ? answer.body : undefined;
  problems.push(...operation.problemsOfAnswer({ status: answer.status, body }));
  return { answer, problems };
}

function answerOf(
  name: string,
  path: Readonly<Record<string, string>>,
  request: RestRequest,
  context: RestContext,
): RestAnswer | undefined {
  const answer = ANSWERS[name];
  // What is not about a repository is answered by what is known of all.
  const repository = context.world.repositories.find(
    ({ owner, name: own }) => path['owner'] === undefined || (owner === path['owner'] && own === path['repo']),
  );
  if (repository === undefined) return notFound;
  return answer?.({ ...context, query: request.query, body: request.body, accept: request.accept, path, repository });
}

function answerContent({ repository, path, query, accept, objects }: Call): RestAnswer {
  const commit = resolveRef(repository, query.get('ref') ?? repository.defaultBranch);
  const file = path['path'] ?? '';
  const content = commit === undefined ? undefined : readContent(repository, commit, file);
  if (commit === undefined || content === undefined) return notFound;
  if (Buffer.isBuffer(content) && accept.includes('raw')) return { status: 200, raw: content };
  const one = (name: string, type: string, bytes: Buffer) => {
    const url = new URL(`${Object(objects.repository(repository)).url}/contents/${name}?ref=${commit}`).href;
    const sha = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    const links = { self: url, git: url, html: url };
    const head = { type, size: bytes.length, name: name.split('/').at(-1) ?? name, path: name, sha, url };
    return { ...head, git_url: url, html_url: url, download_url: type === 'dir' ? null : url, _links: links };
  };
  if (!Buffer.isBuffer(content)) {
    const below = content.map((name) => (file === '' ? name : `${file}/${name}`));
    return ok(
      below.map((name) => {
        const inner = readContent(repository, commit, name);
        return Buffer.isBuffer(inner) ? one(name, 'file', inner) : one(name, 'dir', Buffer.alloc(0));
      }),
    );
  }
  return ok({ ...one(file, 'file', content), encoding: 'base64', content: content.toString('base64') });
}

function answerBranch({ repository, path, objects }: Call): RestAnswer {
  const name = path['branch'] ?? '';
  const sha = resolveRef(repository, `refs/heads/${name}`);
  if (sha === undefined) return { status: 404, body: { message: 'Branch not found', documentation_url: '' } };
  const isProtected = repository.protectedBranches.includes(name);
  const self = `https://github.com/${repository.owner}/${repository.name}/branches/${name}`;
  return ok({
    name,
    commit: objects.commit(repository, sha),
    _links: { self, html: self },
    protected: isProtected,
    protection: { enabled: isProtected },
    protection_url: `${self}/protection`,
  });
}

/** How the second commit of `base...head` stands to the first; commits and files of the difference are left out. */
function compareCommits({ repository, path, objects }: Call): RestAnswer {
  const [base, head] = (path['basehead'] ?? '').split('...').map((ref) => resolveRef(repository, ref));
  const counted = base === undefined || head === undefined ? undefined : countCommits(repository, base, head);
  if (base === undefined || head === undefined || counted === undefined) return notFound;
  const { ahead, behind, mergeBase } = counted;
  const status = ahead > 0 ? (behind > 0 ? 'diverged' : 'ahead') : behind > 0 ? 'behind' : 'identical';
  const url = `https://github.com/${repository.owner}/${repository.name}/compare/${base}...${head}`;
  return ok({
    url,
    ...{ html_url: url, permalink_url: url, diff_url: `${url}.diff`, patch_url: `${url}.patch` },
    base_commit: objects.commit(repository, base),
    merge_base_commit: objects.commit(repository, mergeBase),
    ...{ status, ahead_by: ahead, behind_by: behind, total_commits: ahead, commits: [], files: [] },
  });
}

function artifactOf({ world, path }: Call) {
  return world.artifacts.find(({ id }) => id === Number(path['artifact_id']));
}

function listArtifacts(call: Call, wanted: (artifact: { readonly runId: number }) => boolean): RestAnswer {
  const { world, objects, repository, query } = call;
  const name = query.get('name');
  // The newest first, as GitHub lists them.
  const found = world.artifacts.filter((it) => wanted(it) && (name === null || it.name === name)).reverse();
  const shown = pageOf(call, found).map((it) => {
    const run = world.runs.find(({ id }) => id === it.runId);
    return objects.artifact(repository, run, it);
  });
  return ok({ total_count: found.length, artifacts: shown });
}

function deploymentOf({ world, path }: Call): Deployment | undefined {
  return world.deployments.find(({ id }) => id === Number(path['deployment_id']));
}

function listDeployments(call: Call): RestAnswer {
  const { world, objects, repository, query } = call;
  const asked = (['environment', 'ref', 'sha', 'task'] as const).filter((key) => query.has(key));
  const found = world.deployments.filter((it) => asked.every((key) => it[key] === query.get(key))).reverse();
  return ok(pageOf(call, found).map((it) => objects.deployment(repository, it)));
}

const NewDeployment = z.object({
  ref: z.string(),
  task: z.string().prefault('deploy'),
  environment: z.string().prefault('production'),
  description: z.string().nullable().prefault(''),
  payload: z.unknown().optional(),
  auto_merge: z.boolean().prefault(true),
  required_contexts: z.array(z.string()).optional(),
});

function createDeployment({ world, objects, repository, body, now }: Call): RestAnswer {
  const asked = NewDeployment.safeParse(body);
  if (!asked.success) return unprocessable('Validation Failed');
  const sha = resolveRef(repository, asked.data.ref);
  if (sha === undefined) return unprocessable(`No ref found for: ${asked.data.ref}`);
  // The run that asks is itself a check of this commit which is not complete.
  if (asked.data.required_contexts?.length !== 0) {
    return { status: 409, body: { message: 'Conflict: Commit status checks failed', documentation_url: '' } };
  }
  const { ref, task, environment, description, payload } = asked.data;
  const creator = { id: 41_898_282, login: 'github-actions[bot]' };
  const id = world.nextId();
  const made: Deployment = {
    ...{ id, ref, sha, task, environment, creator },
    description: description ?? '',
    payload: payload ?? {},
    createdAt: secondsOf(now()),
    statuses: [],
  };
  world.deployments.push(made);
  return { status: 201, body: objects.deployment(repository, made) };
}

const NewStatus = z.object({
  state: z.string(),
  description: z.string().max(140).prefault(''),
  environment: z.string().optional(),
  environment_url: z.string().prefault(''),
  log_url: z.string().prefault(''),
  auto_inactive: z.boolean().prefault(true),
});

function createStatus(call: Call): RestAnswer {
  const { world, objects, repository, body, now } = call;
  const found = deploymentOf(call);
  if (found === undefined) return notFound;
  const asked = NewStatus.safeParse(body);
  if (!asked.success) return unprocessable('Validation Failed');
  const { state, description, environment_url: environmentUrl, log_url: logUrl } = asked.data;
  const status = (of: Deployment, it: string, text: string): DeploymentStatus => {
    const id = world.nextId();
    const environment = asked.data.environment ?? of.environment;
    return { id, state: it, description: text, environment, environmentUrl, logUrl, createdAt: secondsOf(now()) };
  };
  const made = status(found, state, description);
  found.statuses.unshift(made);
  if (state === 'success' && asked.data.auto_inactive) {
    for (const other of world.deployments) {
      const wasSuccess = other.statuses[0]?.state === 'success';
      if (other === found || other.environment !== found.environment || !wasSuccess) continue;
      other.statuses.unshift(status(other, 'inactive', ''));
    }
  }
  return { status: 201, body: objects.status(repository, found, made) };
}

/** GitHub tells times in whole seconds. */
function secondsOf(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function pageOf<T>({ query }: Call, all: readonly T[]): readonly T[] {
  const size = Math.min(Number(query.get('per_page') ?? 30), 100);
  const page = Number(query.get('page') ?? 1);
  return all.slice((page - 1) * size, page * size);
}
