import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Deployments } from '../../src/platform/deployments.ts';
import { connectWorkflow } from '../../src/platform/workflow.ts';
import { alice, type GithubOfShop, startGithubOfShop } from '../support/github/repository.ts';
import type { RestAnswer, RestRequest } from '../support/github/rest.ts';

let github: GithubOfShop;
let interfere: (request: RestRequest) => RestAnswer | undefined;
let deployments: Deployments;

beforeAll(async () => {
  github = await startGithubOfShop({ interfere: (request) => interfere(request) });
});

beforeEach(() => {
  interfere = () => undefined;
  for (const list of [github.asked, github.sent, github.world.deployments]) list.splice(0);
  const workflow = connectWorkflow(github.env, github.token, new AbortController().signal);
  if (workflow === undefined) throw new Error('there is no run');
  deployments = workflow.deployments;
});

afterEach(() => github.assertAsDescribed());
afterAll(() => github.close());

const wanted = (part: object = {}) => ({
  ...{ environment: 'production', commit: github.commit, description: 'v1 of the shop' },
  payload: { release: 'r-1', run: 4711 },
  ...part,
});

/** Answers writes of the API this way, once. */
function once(...answers: readonly (() => RestAnswer | undefined)[]) {
  const left = [...answers];
  interfere = ({ method }) => (method === 'POST' ? left.shift()?.() : undefined);
}

/** What is written to the world by a request whose answer is lost. */
function deploymentInWorld(part: object = {}) {
  const id = github.world.nextId();
  github.world.deployments.push({
    ...{ id, ref: github.commit, sha: github.commit, task: 'deploy', environment: 'production', creator: alice },
    ...{ description: '', payload: { release: 'r-1', run: 4711 }, createdAt: '2026-11-22T10:00:00Z', statuses: [] },
    ...part,
  });
  return id;
}

const writes = () => github.asked.filter((line) => line.startsWith('POST'));

describe('deployments', () => {
  it('are made of the commit alone: nothing is merged and no check is waited for', async () => {
    const id = await deployments.create(wanted());

    expect(github.world.deployments).toMatchObject([{ id, sha: github.commit, environment: 'production' }]);
    expect(JSON.parse(github.sent[0] ?? '')).toEqual({
      ...{ ref: github.commit, environment: 'production', task: 'deploy', description: 'v1 of the shop' },
      ...{ payload: { release: 'r-1', run: 4711 }, auto_merge: false, required_contexts: [] },
    });
  });

  it('are listed by environment, the newest first, without those of other tasks', async () => {
    const first = await deployments.create(wanted());
    await deployments.create(wanted({ environment: 'staging' }));
    deploymentInWorld({ task: 'deploy:migrations' });
    const second = await deployments.create(wanted({ payload: { release: 'r-2' } }));

    expect(await deployments.list('production')).toEqual([
      { id: second, commit: github.commit, payload: { release: 'r-2' } },
      { id: first, commit: github.commit, payload: { release: 'r-1', run: 4711 } },
    ]);
  });

  it('have states, the newest first, with the page of the run, and leave other deployments alone', async () => {
    const before = await deployments.create(wanted());
    await deployments.setState(before, 'success', 'live');
    const id = await deployments.create(wanted());
    await deployments.setState(id, 'in_progress', 'going on');
    await deployments.setState(id, 'success', 'live');

    expect(await deployments.states(id)).toEqual(['success', 'in_progress']);
    expect(await deployments.states(before)).toEqual(['success']);
    expect(JSON.parse(github.sent.at(-1) ?? '')).toEqual({
      ...{ state: 'success', description: 'live', auto_inactive: false },
      log_url: 'https://github.com/acme/shop/actions/runs/4711',
    });
  });

  it('are described in as many characters as GitHub takes', async () => {
    const id = await deployments.create(wanted());
    await deployments.setState(id, 'failure', `${'x'.repeat(138)}😀 and more`);
    await deployments.setState(id, 'failure', 'y'.repeat(140));

    const { statuses } = github.world.deployments[0] ?? { statuses: [] };
    expect(statuses.map(({ description }) => description)).toEqual(['y'.repeat(140), `${'x'.repeat(138)}…`]);
  });
});

describe('a deployment whose making fails', () => {
  it('is not made again when GitHub made it and the answer was lost', async () => {
    let made = 0;
    once(() => {
      made = deploymentInWorld();
      return { status: 502, body: {} };
    });

    expect(await deployments.create(wanted())).toBe(made);
    expect(writes()).toHaveLength(1);
  });

  it('is made when GitHub did not make it', async () => {
    once(() => ({ status: 502, body: {} }));

    const id = await deployments.create(wanted());

    expect(github.world.deployments.map((it) => it.id)).toEqual([id]);
    expect(writes()).toHaveLength(2);
  });

  it('is not taken for one that tells something else, or that has a state already', async () => {
    const other = deploymentInWorld({ payload: { release: 'r-0' } });
    const used = await deployments.create(wanted());
    await deployments.setState(used, 'failure', 'an attempt before');
    once(() => ({ status: 502, body: {} }));

    expect([other, used]).not.toContain(await deployments.create(wanted()));
  });

  it.each([
    {
      name: 'merged instead',
      answer: { status: 202, body: { message: 'Auto-merged main into it' } },
      why: 'Auto-merged',
    },
    {
      name: 'waits for checks',
      answer: { status: 409, body: { message: 'Conflict: checks failed' } },
      why: 'Conflict',
    },
    { name: 'knows no such commit', answer: { status: 422, body: { message: 'No ref found' } }, why: 'No ref found' },
    { name: 'made one of another commit', answer: { status: 201, body: { id: 1, sha: 'abc' } }, why: 'of abc, not of' },
  ])('is told and not tried again when GitHub $name', async ({ answer, why }) => {
    once(() => answer);

    const making = deployments.create(wanted());

    await expect(making).rejects.toMatchObject({
      code: 'deployment-not-made',
      message: expect.stringContaining(why),
    });
    expect(writes()).toHaveLength(1);
  });
});

describe('a state that GitHub did not confirm', () => {
  it('is set again: twice the same says the same', async () => {
    const id = await deployments.create(wanted());
    once(() => ({ status: 500, body: {} }));

    await deployments.setState(id, 'success', 'live');

    expect(await deployments.states(id)).toEqual(['success']);
  });
});

describe('a job that may not', () => {
  const forbidden = { status: 403, body: { message: 'Resource not accessible by integration' } };

  it.each([
    { name: 'list deployments', call: () => deployments.list('production') },
    { name: 'make one', call: () => deployments.create(wanted()) },
    { name: 'set a state', call: () => deployments.setState(1, 'success', '') },
    { name: 'read states', call: () => deployments.states(1) },
  ])('$name is told the permission', async ({ call }) => {
    interfere = () => forbidden;

    await expect(call()).rejects.toMatchObject({
      code: 'github-refused',
      hint: expect.stringContaining('"deployments: write"'),
    });
    expect(github.asked).toHaveLength(1);
  });

  it('does not take a deployment that is not there for one without states', async () => {
    await expect(deployments.states(1)).rejects.toMatchObject({ code: 'github-refused' });
    await expect(deployments.setState(1, 'success', '')).rejects.toMatchObject({ code: 'github-refused' });
  });
});
