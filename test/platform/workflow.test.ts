import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectWorkflow, type Workflow } from '../../src/platform/workflow.ts';
import { aRun, type GithubOfShop, startGithubOfShop } from '../support/github/repository.ts';
import type { RestAnswer } from '../support/github/rest.ts';

const { signal } = new AbortController();

let github: GithubOfShop;
let instead: RestAnswer | undefined;
let workflow: Workflow;

beforeAll(async () => {
  github = await startGithubOfShop({ interfere: () => instead });
});

beforeEach(() => {
  instead = undefined;
  github.asked.splice(0);
  const connected = connectWorkflow(github.env, github.token, signal);
  if (connected === undefined) throw new Error('there is no run');
  workflow = connected;
});

afterAll(async () => {
  await github.close();
  github.assertAsDescribed();
});

describe('the run of this process', () => {
  it('is read from what the runner tells a step, and GitHub is not asked', () => {
    expect(workflow.run).toEqual({
      ...{ repository: 'acme/shop', id: 4711, attempt: 2, job: 'release', commit: github.commit },
      url: 'https://github.com/acme/shop/actions/runs/4711',
      isHosted: false,
    });
    expect(github.asked).toEqual([]);
  });

  it('is on the server that the runner is of', () => {
    const env = { ...github.env, GITHUB_SERVER_URL: 'https://acme.ghe.com' };

    expect(connectWorkflow(env, 'a-token', signal)?.run.url).toBe('https://acme.ghe.com/acme/shop/actions/runs/4711');
  });

  it.each([
    { name: 'on a laptop', without: Object.keys, token: 'a-token' },
    { name: 'without a token', without: () => [], token: '' },
    { name: 'without a number of the run', without: () => ['GITHUB_RUN_ID'], token: 'a-token' },
    { name: 'without a repository', without: () => ['GITHUB_REPOSITORY'], token: 'a-token' },
    { name: 'without a commit', without: () => ['GITHUB_SHA'], token: 'a-token' },
  ])('is none $name', ({ without, token }) => {
    const left = Object.entries(github.env).filter(([name]) => !without(github.env).includes(name));

    expect(connectWorkflow(Object.fromEntries(left), token, signal)).toBeUndefined();
  });

  it('reads files of its repository at a commit', async () => {
    expect(await workflow.readFile('holdfast.yml', github.commit)).toEqual(Buffer.from('version: 1\n'));
    expect(await workflow.readFile('none.yml', github.commit)).toBeUndefined();
  });

  it('knows the branch whose policy holds, and which commits are of it', async () => {
    const [tag, unknown] = [github.git('commit-tree', '-m', 'planted', '-p', 'HEAD', 'HEAD^{tree}'), 'f'.repeat(40)];

    const { name, commit } = await workflow.defaultBranch();

    expect({ name, commit }).toEqual({ name: 'main', commit: github.commit });
    expect(await workflow.isPartOf(commit, commit)).toBe(true);
    expect(await workflow.isPartOf(commit, tag)).toBe(true);
    expect(await workflow.isPartOf(tag, commit)).toBe(false);
    expect(await workflow.isPartOf(unknown, commit)).toBe(false);
  });
});

describe('finding a run', () => {
  it('tells of one that goes on', async () => {
    expect(await workflow.find(4711)).toEqual({
      ...{ id: 4711, attempt: 1, hasEnded: false, conclusion: undefined, branch: 'main', event: 'push' },
      ...{ workflow: '.github/workflows/release.yml', isOfThisRepository: true, commit: github.commit },
    });
  });

  it('tells of one that has ended at its third attempt, by a workflow as it was on a branch', async () => {
    const path = `${aRun.path}@refs/heads/main`;
    github.world.runs.push({ ...aRun, path, id: 1, attempt: 3, headSha: github.commit, conclusion: 'cancelled' });

    expect(await workflow.find(1)).toMatchObject({
      ...{ hasEnded: true, conclusion: 'cancelled', attempt: 3 },
      workflow: '.github/workflows/release.yml',
    });
  });

  it('tells one of a fork apart', async () => {
    const fork = { id: 99, owner: 'mallory', name: 'shop' };
    github.world.runs.push({
      ...aRun,
      id: 2,
      fork,
      event: 'pull_request',
      headSha: github.commit,
      conclusion: 'success',
    });

    expect(await workflow.find(2)).toMatchObject({ isOfThisRepository: false, event: 'pull_request' });
  });

  it('knows one that is not there', async () => {
    expect(await workflow.find(3)).toBeUndefined();
  });

  it('names the permission that the job lacks', async () => {
    instead = { status: 403, body: { message: 'Resource not accessible by integration' } };

    await expect(workflow.find(4711)).rejects.toMatchObject({
      code: 'github-refused',
      message: 'GitHub does not let this job read the run 4711 (403)',
      hint: expect.stringContaining('"actions: read"'),
    });
  });

  it('tells when GitHub gives no answer, after asking three times', async () => {
    instead = { status: 503, body: {} };

    await expect(workflow.find(4711)).rejects.toMatchObject({ code: 'github-unreachable' });
    expect(github.asked).toHaveLength(3);
  });

  it('ends with the run', async () => {
    const stopped = connectWorkflow(github.env, github.token, AbortSignal.abort());

    await expect(stopped?.find(4711)).rejects.toMatchObject({ name: 'Interrupted' });
    expect(github.asked).toEqual([]);
  });
});
