import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getOctokit } from '@actions/github';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type Github, startGithub } from '../support/github/server.ts';
import { zipOf } from '../support/github/zip.ts';

const alice = { id: 1234, login: 'alice' };
const shop = { owner: 'acme', repo: 'shop' };

let folder: string;
let github: Github;
let commit: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-github-'));
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'holdfast.yml'), 'version: 1\n');
  writeFileSync(join(folder, 'a/b.txt'), 'b');
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '--quiet', '--message=first');
  commit = git('rev-parse', 'HEAD');
  github = await startGithub({ claims: (job) => (job === 'release' ? { actor_id: '1234' } : undefined) });
  const repository = {
    id: 77,
    owner: 'acme',
    name: 'shop',
    defaultBranch: 'main',
    folder,
    protectedBranches: ['main'],
  };
  github.world.repositories.push(repository);
  const run = {
    headSha: commit,
    headBranch: 'main',
    event: 'push',
    actor: alice,
    path: '.github/workflows/release.yml',
  };
  github.world.runs.push({ ...run, id: 4711, conclusion: null });
});

afterEach(async () => {
  await github.close();
  rmSync(folder, { recursive: true, force: true });
});

const client = (token = github.token) => getOctokit(token, { baseUrl: github.apiUrl }).rest;

describe('the loopback GitHub', () => {
  it('knows a repository, its branches and who protects them', async () => {
    const { data } = await client().repos.get(shop);
    const branch = await client().repos.getBranch({ ...shop, branch: 'main' });

    expect(data).toMatchObject({ id: 77, full_name: 'acme/shop', default_branch: 'main' });
    expect(branch.data).toMatchObject({ protected: true, commit: { sha: commit } });
    await expect(client().repos.getBranch({ ...shop, branch: 'gone' })).rejects.toMatchObject({ status: 404 });
    github.assertAsDescribed();
  });

  it('hands out files and folders at a commit', async () => {
    const file = await client().repos.getContent({ ...shop, path: 'holdfast.yml', ref: commit });
    const root = await client().repos.getContent({ ...shop, path: '' });
    const raw = await client().repos.getContent({ ...shop, path: 'a/b.txt', mediaType: { format: 'raw' } });

    expect(file.data).toMatchObject({ content: Buffer.from('version: 1\n').toString('base64'), encoding: 'base64' });
    expect(root.data).toMatchObject([
      { type: 'dir', name: 'a' },
      { type: 'file', name: 'holdfast.yml' },
    ]);
    expect(raw.data).toBe('b');
    await expect(client().repos.getContent({ ...shop, path: 'none' })).rejects.toMatchObject({ status: 404 });
    github.assertAsDescribed();
  });

  it('keeps deployments: a new success makes the one before it inactive', async () => {
    const create = async (sha: string) => {
      const asked = { ...shop, ref: sha, environment: 'production', auto_merge: false, required_contexts: [] };
      const { data } = await client().repos.createDeployment({ ...asked, payload: { target: 't-1' } });
      if (!('id' in data)) throw new Error('GitHub merged instead');
      await client().repos.createDeploymentStatus({ ...shop, deployment_id: data.id, state: 'success' });
      return data.id;
    };
    const first = await create(commit);
    const second = await create('main');

    const { data } = await client().repos.listDeployments({ ...shop, environment: 'production' });
    const statuses = await client().repos.listDeploymentStatuses({ ...shop, deployment_id: first });

    expect(data.map(({ id }) => id)).toEqual([second, first]);
    expect(data[0]?.payload).toEqual({ target: 't-1' });
    expect(statuses.data.map(({ state }) => state)).toEqual(['inactive', 'success']);
    github.assertAsDescribed();
  });

  it('refuses a deployment that waits for the checks of its own run', async () => {
    const asked = client().repos.createDeployment({ ...shop, ref: 'main', auto_merge: false });

    await expect(asked).rejects.toMatchObject({ status: 409 });
  });

  it('tells who approved a run, and who is still asked', async () => {
    github.world.approvals.push({
      runId: 4711,
      environment: 'production',
      state: 'approved',
      user: alice,
      comment: '',
    });
    github.world.pending.push({ runId: 4711, environment: 'staging', reviewers: [alice] });

    const { data } = await client().actions.getReviewsForRun({ ...shop, run_id: 4711 });
    const waiting = await client().actions.getPendingDeploymentsForRun({ ...shop, run_id: 4711 });

    expect(data).toMatchObject([{ state: 'approved', user: alice, environments: [{ name: 'production' }] }]);
    expect(waiting.data).toMatchObject([{ environment: { name: 'staging' }, reviewers: [{ reviewer: alice }] }]);
    github.assertAsDescribed();
  });

  it('finds the artifacts of a run with the run they are of, and keeps expired ones', async () => {
    const bytes = zipOf({ 'baseline.json': '{}' });
    const made = { runId: 4711, jobId: 'job-1', digest: 'sha256:00', contentType: 'application/zip', bytes };
    const at = { createdAt: '2026-01-01T00:00:00Z' };
    github.world.artifacts.push({ ...made, ...at, id: 1, name: 'baseline', expired: false });
    github.world.artifacts.push({ ...made, ...at, id: 2, name: 'old', expired: true });

    const { data } = await client().actions.listWorkflowRunArtifacts({ ...shop, run_id: 4711 });
    const zip = { ...shop, archive_format: 'zip' };
    const loaded = await client().actions.downloadArtifact({ ...zip, artifact_id: 1 });

    expect(data.artifacts.map(({ name, expired }) => [name, expired])).toEqual([
      ['old', true],
      ['baseline', false],
    ]);
    expect(data.artifacts[1]?.workflow_run).toMatchObject({ id: 4711, head_branch: 'main', head_sha: commit });
    expect(Buffer.from(Object(loaded.data))).toEqual(bytes);
    await expect(client().actions.downloadArtifact({ ...zip, artifact_id: 2 })).rejects.toMatchObject({ status: 410 });
    github.assertAsDescribed();
  });

  it('refuses another token', async () => {
    await expect(client('ghs_other').repos.get(shop)).rejects.toMatchObject({ status: 401 });
  });

  const violations = [
    { name: 'a path that GitHub has not', path: '/repos/acme/shop/deploy', init: {}, problem: 'describes no GET' },
    { name: 'a parameter that it has not', path: '/repos/acme/shop/deployments?env=x', init: {}, problem: '"env"' },
    { name: 'a number that is none', path: '/repos/acme/shop/actions/runs/x', init: {}, problem: 'must be integer' },
    {
      name: 'a key that is misspelt',
      path: '/repos/acme/shop/deployments',
      init: { method: 'POST', body: '{"ref":"main","auto_merg":false}' },
      problem: 'GitHub knows no "auto_merg"',
    },
    {
      name: 'a body without what is required',
      path: '/repos/acme/shop/deployments',
      init: { method: 'POST', body: '{}' },
      problem: "required property 'ref'",
    },
    { name: 'what is not there yet', path: '/repos/acme/shop/issues', init: {}, problem: 'does not know' },
  ];
  it.each(violations)('fails the test that asks for $name', async ({ path, init, problem }) => {
    await fetch(`${github.apiUrl}${path}`, { ...init, headers: { authorization: `Bearer ${github.token}` } });

    expect(() => github.assertAsDescribed()).toThrow(problem);
  });

  it('gives a token that verifies to the jobs that may have one', async () => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = github.jobEnvironment(4711);
    const ask = (job: string) =>
      fetch(`${url}&audience=holdfast&job=${job}`, { headers: { authorization: `Bearer ${token}` } });

    const { value } = Object(await (await ask('release')).json());
    const keys = createRemoteJWKSet(new URL(`${github.issuerUrl}/.well-known/jwks`));
    const { payload } = await jwtVerify(value, keys, { issuer: github.issuerUrl, audience: 'holdfast' });

    expect(payload).toMatchObject({ actor_id: '1234' });
    expect((await ask('build')).status).toBe(403);
  });

  it('takes what is sent to the outside world, and refuses it as often as it is told to', async () => {
    github.hooks.answer('slack', [{ status: 503, text: 'no' }]);

    const first = await fetch(github.hookUrl('slack'), { method: 'POST', body: '{"text":"a"}' });
    const second = await fetch(github.hookUrl('slack'), { method: 'POST', body: '{"text":"a"}' });

    expect([first.status, second.status, await second.text()]).toEqual([503, 200, 'ok']);
    expect(github.hooks.received.map(({ name, text }) => [name, text])).toEqual([
      ['slack', '{"text":"a"}'],
      ['slack', '{"text":"a"}'],
    ]);
  });
});
