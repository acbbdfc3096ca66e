import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GithubOfShop, startGithubOfShop } from '../support/github/repository.ts';
import { runStepProcess } from './runner-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'holdfast-keeping-'));
const dist = join(folder, 'dist');
let github: GithubOfShop;

beforeAll(async () => {
  const argv = [join(root, 'scripts/bundle.js'), '--entry', 'test/actions/keeping.ts', '--out', dist];
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  github = await startGithubOfShop();
}, 120_000);

afterAll(async () => {
  await github.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a bundled action', () => {
  it('keeps and fetches artifacts of its run and makes a deployment', async () => {
    const stub = join(folder, 'index.mjs');
    writeFileSync(stub, "import { runAction } from './dist/index.js';\nawait runAction('keeping');\n");

    const { status, stderr, outputs } = await runStepProcess(stub, {
      ...{ workspace: folder, temporary: folder, env: github.env },
      inputs: { 'github-token': github.token },
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(outputs['summary']).toBe('kept and fetched: true');
    expect(github.world.deployments).toMatchObject([{ sha: github.commit, statuses: [{ state: 'success' }] }]);
    github.assertAsDescribed();
  }, 60_000);

  it('loads the clients of GitHub only when it asks GitHub', () => {
    const files = readdirSync(dist).filter((name) => name.endsWith('index.js'));
    const holding = (text: string) => files.filter((name) => readFileSync(join(dist, name), 'utf8').includes(text));

    for (const text of ['GetSignedArtifactURL', 'getWorkflowRun:', 'BlockBlobClient']) {
      expect(holding(text)).not.toEqual([]);
      expect(holding(text)).not.toContain('index.js');
    }
  });
});
