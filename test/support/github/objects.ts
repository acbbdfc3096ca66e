import { createHash } from 'node:crypto';
import type { Account, Approval, Artifact, Deployment, DeploymentStatus, Pending, Repository, Run } from './world.ts';

/** The objects of GitHub's API as it answers them; `api` is the address of the API. */
export interface Objects {
  readonly user: (account: Account) => object;
  readonly repository: (repository: Repository) => object;
  readonly commit: (repository: Repository, sha: string) => object;
  readonly run: (repository: Repository, run: Run) => object;
  readonly artifact: (repository: Repository, run: Run | undefined, artifact: Artifact) => object;
  readonly deployment: (repository: Repository, deployment: Deployment) => object;
  readonly status: (repository: Repository, deployment: Deployment, status: DeploymentStatus) => object;
  readonly approval: (repository: Repository, approval: Approval) => object;
  readonly pending: (repository: Repository, pending: Pending) => object;
}

type Named = Pick<Repository, 'id' | 'owner' | 'name'>;

const WEB = 'https://github.com';
const LONG_AGO = '2024-01-01T00:00:00Z';

const USER_LINKS = ['followers', 'orgs', 'repos', 'received_events', 'subscriptions'];
const REPOSITORY_LINKS =
  'archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees'.split(
    ' ',
  );

/** Makes the objects of an API at `api`, such as `http://127.0.0.1:1234/api`. */
export function objectsAt(api: string): Objects {
  const user = ({ id, login }: Account) => {
    // The brackets of `github-actions[bot]` may not stand in an address.
    const name = encodeURIComponent(login);
    const url = `${api}/users/${name}`;
    return {
      id,
      login,
      node_id: nodeId('U', id),
      type: 'User',
      site_admin: false,
      gravatar_id: '',
      avatar_url: `${WEB}/${name}.png`,
      url,
      html_url: `${WEB}/${name}`,
      events_url: `${url}/events{/privacy}`,
      following_url: `${url}/following{/other_user}`,
      gists_url: `${url}/gists{/gist_id}`,
      starred_url: `${url}/starred{/owner}{/repo}`,
      organizations_url: `${url}/orgs`,
      ...Object.fromEntries(USER_LINKS.map((link) => [`${link}_url`, `${url}/${link}`])),
    };
  };
  const urlOf = ({ owner, name }: Named) => `${api}/repos/${owner}/${name}`;
  const ownerOf = ({ owner, id }: Named) => ({ id: id + 1, login: owner });
  const minimal = (repository: Named) => {
    const { id, owner, name } = repository;
    return {
      id,
      node_id: nodeId('R', id),
      name,
      full_name: `${owner}/${name}`,
      owner: user(ownerOf(repository)),
      private: true,
      fork: false,
      description: null,
      url: urlOf(repository),
      html_url: `${WEB}/${owner}/${name}`,
      ...Object.fromEntries(REPOSITORY_LINKS.map((link) => [`${link}_url`, `${urlOf(repository)}/${link}`])),
    };
  };
  const repository = (value: Repository) => ({
    ...minimal(value),
    default_branch: value.defaultBranch,
    clone_url: `${WEB}/${value.owner}/${value.name}.git`,
    git_url: `git://github.com/${value.owner}/${value.name}.git`,
    ssh_url: `git@github.com:${value.owner}/${value.name}.git`,
    svn_url: `${WEB}/${value.owner}/${value.name}`,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    ...Object.fromEntries(['issues', 'projects', 'wiki', 'pages', 'discussions'].map((it) => [`has_${it}`, false])),
    archived: false,
    disabled: false,
    ...Object.fromEntries(
      'forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count network_count subscribers_count'
        .split(' ')
        .map((it) => [it, 0]),
    ),
    created_at: LONG_AGO,
    pushed_at: LONG_AGO,
    updated_at: LONG_AGO,
  });
  const commit = (value: Repository, sha: string) => {
    const url = `${urlOf(value)}/commits/${sha}`;
    const who = { name: value.owner, email: 'nobody@example.org', date: LONG_AGO };
    const tree = { sha: digestOf(sha), url: `${urlOf(value)}/git/trees/${sha}` };
    return {
      sha,
      node_id: nodeId('C', sha),
      url,
      html_url: `${WEB}/${value.owner}/${value.name}/commit/${sha}`,
      comments_url: `${url}/comments`,
      commit: { url, author: who, committer: who, message: '', comment_count: 0, tree },
      author: user(ownerOf(value)),
      committer: user(ownerOf(value)),
      parents: [],
    };
  };
  const run = (value: Repository, it: Run) => {
    const url = `${urlOf(value)}/actions/runs/${it.id}`;
    const who = { name: it.actor.login, email: 'nobody@example.org' };
    return {
      id: it.id,
      node_id: nodeId('WFR', it.id),
      name: 'Release',
      display_title: 'Release',
      path: it.path,
      head_branch: it.headBranch,
      head_sha: it.headSha,
      run_number: 1,
      run_attempt: it.attempt ?? 1,
      event: it.event,
      status: it.conclusion === null ? 'in_progress' : 'completed',
      conclusion: it.conclusion,
      workflow_id: 1,
      url,
      html_url: `${WEB}/${value.owner}/${value.name}/actions/runs/${it.id}`,
      workflow_url: `${urlOf(value)}/actions/workflows/1`,
      check_suite_url: `${urlOf(value)}/check-suites/1`,
      ...Object.fromEntries(
        ['jobs', 'logs', 'cancel', 'rerun', 'artifacts'].map((it) => [`${it}_url`, `${url}/${it}`]),
      ),
      actor: user(it.actor),
      triggering_actor: user(it.triggeringActor ?? it.actor),
      pull_requests: [],
      created_at: LONG_AGO,
      updated_at: LONG_AGO,
      head_commit: {
        id: it.headSha,
        tree_id: digestOf(it.headSha),
        message: '',
        timestamp: LONG_AGO,
        author: who,
        committer: who,
      },
      repository: minimal(value),
      head_repository: minimal(it.fork ?? value),
    };
  };
  const artifact = (value: Repository, made: Run | undefined, it: Artifact) => {
    const url = `${urlOf(value)}/actions/artifacts/${it.id}`;
    return {
      id: it.id,
      node_id: nodeId('A', it.id),
      name: it.name,
      size_in_bytes: it.bytes.length,
      url,
      archive_download_url: `${url}/zip`,
      expired: it.expired,
      digest: it.digest,
      created_at: it.createdAt,
      updated_at: it.createdAt,
      expires_at: it.createdAt,
      workflow_run: {
        id: it.runId,
        repository_id: value.id,
        head_repository_id: (made?.fork ?? value).id,
        ...(made === undefined ? {} : { head_branch: made.headBranch, head_sha: made.headSha }),
      },
    };
  };
  const deployment = (value: Repository, it: Deployment) => {
    const url = `${urlOf(value)}/deployments/${it.id}`;
    return {
      id: it.id,
      node_id: nodeId('DE', it.id),
      url,
      ref: it.ref,
      sha: it.sha,
      task: it.task,
      environment: it.environment,
      original_environment: it.environment,
      description: it.description,
      payload: it.payload,
      creator: user(it.creator),
      created_at: it.createdAt,
      updated_at: it.statuses[0]?.createdAt ?? it.createdAt,
      statuses_url: `${url}/statuses`,
      repository_url: urlOf(value),
    };
  };
  const status = (value: Repository, of: Deployment, it: DeploymentStatus) => {
    const url = `${urlOf(value)}/deployments/${of.id}`;
    return {
      id: it.id,
      node_id: nodeId('DES', it.id),
      url: `${url}/statuses/${it.id}`,
      state: it.state,
      description: it.description,
      environment: it.environment,
      environment_url: it.environmentUrl,
      log_url: it.logUrl,
      target_url: it.logUrl,
      creator: user(of.creator),
      created_at: it.createdAt,
      updated_at: it.createdAt,
      deployment_url: url,
      repository_url: urlOf(value),
    };
  };
  const environment = (value: Repository, name: string) => ({
    id: numberOf(name),
    node_id: nodeId('EN', name),
    name,
    url: `${urlOf(value)}/environments/${name}`,
    html_url: `${WEB}/${value.owner}/${value.name}/deployments`,
  });
  const approval = (value: Repository, it: Approval) => ({
    environments: [{ ...environment(value, it.environment), created_at: LONG_AGO, updated_at: LONG_AGO }],
    state: it.state,
    user: user(it.user),
    comment: it.comment,
  });
  const pending = (value: Repository, it: Pending) => ({
    environment: environment(value, it.environment),
    wait_timer: 0,
    wait_timer_started_at: null,
    current_user_can_approve: false,
    reviewers: it.reviewers.map((reviewer) => ({ type: 'User', reviewer: user(reviewer) })),
  });
  return { user, repository, commit, run, artifact, deployment, status, approval, pending };
}

/** Opaque to everybody, as GitHub's own are. */
function nodeId(kind: string, id: number | string): string {
  return `${kind}_${Buffer.from(String(id)).toString('base64url')}`;
}

function digestOf(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/** The same number for the same name. */
function numberOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0);
}
