import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { z } from 'zod';
import { exportSuite } from './built.ts';
import { type Caller, createCaller, ISSUER, type Outcome, type RunOptions } from './harness.ts';
import { findLeaks } from './leaks.ts';

const COMMIT = '89abcdef0123456789abcdef0123456789abcdef';
const SECRET = 'sentinel-4f1d0c7e';

const workflow = `
name: Chain
on: { push: { branches: [main] } }
permissions: {}
jobs:
  chain:
    uses: acme/suite/.github/workflows/chain.yml@${COMMIT} # v1.0.0
    permissions:
      id-token: write # who asks
    with:
      text: words of the caller
      break: BREAK
    secrets:
      WORDS: \${{ secrets.WORDS }}
`;

async function callChain(
  breakage: string,
  options: Partial<RunOptions> = {},
): Promise<{ caller: Caller; run: Outcome }> {
  const caller = await createCaller({
    name: 'shop',
    files: { 'holdfast.yml': 'version: 1\n', '.github/workflows/chain.yml': workflow.replace('BREAK', breakage) },
    published: [
      {
        repository: 'acme/suite',
        commit: COMMIT,
        write: (folder) => exportSuite('test/workflows/suite', folder, ['probe']),
      },
    ],
  });
  const run = await caller.run({
    workflow: '.github/workflows/chain.yml',
    secrets: { WORDS: SECRET },
    environments: { use: 'production' },
    ...options,
  });
  return { caller, run };
}

const resultsOf = (run: Outcome) =>
  Object.fromEntries(Object.entries(run.jobs['chain.yml'] ?? {}).map(([job, { result }]) => [job, result]));
const outputsOf = (run: Outcome, job: string) => run.jobs['chain.yml']?.[job]?.outputs ?? {};

describe('a workflow of another repository, called at a commit', () => {
  let caller: Caller;
  let run: Outcome;
  beforeAll(async () => {
    ({ caller, run } = await callChain('nothing'));
  }, 120_000);
  afterAll(() => caller.close());

  it('ends each job with a result, a skipped one too', () => {
    expect(resultsOf(run)).toEqual({ make: 'success', use: 'success', skipped: 'skipped', after: 'success' });
  });

  it('hands its outputs to the caller', () => {
    expect(run.jobs['caller']?.['chain']).toEqual({
      result: 'success',
      outputs: { digest: outputsOf(run, 'make')['digest'] },
    });
  });

  it('runs its actions with Node 24', () => {
    expect(outputsOf(run, 'make')['node']).toMatch(/^v24\./);
  });

  it("checks the caller's files out", () => {
    expect(outputsOf(run, 'make')['files']).toBe('checked out');
  });

  it('gives each job a home, a temporary folder and a workspace of its own, for all of its steps', () => {
    const places = ['make', 'use'].map((job) =>
      z.array(z.string()).parse(JSON.parse(String(outputsOf(run, job)['places']))),
    );

    expect([outputsOf(run, 'make')['home'], outputsOf(run, 'make')['again']]).toEqual(['new', 'used']);
    expect(outputsOf(run, 'use')['home']).toBe('new');
    expect(new Set(places.flat()).size).toBe(6);
  });

  it('hands an artifact from one job to the next, with its digest', () => {
    const [artifact] = caller.github.world.artifacts;

    expect(artifact).toMatchObject({ name: 'words', runId: run.runId });
    expect(outputsOf(run, 'make')['digest']).toBe(`${artifact?.id} ${artifact?.digest.replace('sha256:', '')}`);
    expect(outputsOf(run, 'use')['text']).toBe('words of the caller mismatch=false');
  });

  it('gives an identity to the job that may have one, and to no other', async () => {
    const { issuerUrl } = caller.github;
    const keys = createRemoteJWKSet(new URL(`${issuerUrl}/.well-known/jwks`));
    const token = String(outputsOf(run, 'use')['token']);

    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: 'holdfast' });

    expect(payload).toMatchObject({
      repository_id: '77001',
      actor_id: '1234',
      environment: 'production',
      job_workflow_ref: `acme/suite/.github/workflows/chain.yml@${COMMIT}`,
      run_id: String(run.runId),
    });
    expect(outputsOf(run, 'make')['token']).toMatch(/^refused: /);
  });

  it('shows the summary of every step', () => {
    expect(run.summaries.map((text) => text.split('\n')[0])).toEqual(
      ['make', 'make', 'use', 'use'].map((job) => expect.stringContaining(`# ${job} on v24.`)),
    );
  });

  it('shows no secret', () => {
    expect(run.log).toContain('the secret is ***');
    expect(findLeaks(SECRET, { runs: [run], github: caller.github })).toEqual([]);
    expect(run.raw).toContain(SECRET);
  });

  it('hides nothing from whoever looks for a secret', () => {
    const leaks = findLeaks('words of the caller', { runs: [run], github: caller.github });

    expect(leaks).toEqual([
      `log of run ${run.runId}`,
      `output use.text of run ${run.runId}`,
      'artifact words/words.txt',
    ]);
  });

  it('asked GitHub for nothing that GitHub would not have', () => {
    caller.github.assertAsDescribed();
  });
});

describe('a workflow of which a job goes wrong', () => {
  const stepsOfUse = (run: Outcome) =>
    run.steps
      .filter(({ job, stage }) => job === 'use' && stage === 'Main')
      .map(({ step, result }) => `${step} ${result}`);

  it('goes on with what runs always, in the same job and in the jobs behind it', async () => {
    const { caller, run } = await callChain('fail');
    await caller.close();

    expect(resultsOf(run)).toEqual({ make: 'success', use: 'failure', skipped: 'skipped', after: 'success' });
    expect(outputsOf(run, 'after')['seen']).toBe('failure');
    expect(outputsOf(run, 'use')['text']).toBe('words of the caller mismatch=false');
    expect(stepsOfUse(run)).toEqual([
      'look success',
      'down success',
      'who success',
      'broken failure',
      'always success',
    ]);
  }, 120_000);

  it('runs nothing any more on a machine that died, and goes on on others', async () => {
    const { caller, run } = await callChain('linger', {
      watch: ({ jobID, msg }, machines) => {
        if (jobID === 'use' && msg.includes('lingering')) machines.kill('use');
      },
    });
    await caller.close();

    expect(resultsOf(run)).toEqual({ make: 'success', use: 'failure', skipped: 'skipped', after: 'success' });
    expect(outputsOf(run, 'after')['seen']).toBe('failure');
    expect(stepsOfUse(run)).toEqual([
      'look success',
      'down success',
      'who success',
      'broken failure',
      'always failure',
    ]);
  }, 120_000);

  it('is ended when it takes longer than it may', async () => {
    const { caller, run } = await callChain('linger', { limitMs: 9_000 });
    await caller.close();

    expect(run.timedOut).toBe(true);
    expect(run.exitCode).not.toBe(0);
  }, 120_000);
});
