import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportPublished } from './built.ts';
import { type Caller, createCaller, type Outcome } from './harness.ts';
import { findLeaks } from './leaks.ts';

const COMMIT = '76543210fedcba9876543210fedcba9876543210';
/** With all that breaks a careless mask: quotes, a line break, the sign of a command, an end that is short. */
const SECRET = 'sentinel-"7a1f"\n::sentinel-\'c3e9\'\nend-of-sentinel';

const workflow = `
name: Release
on: { push: { branches: [main] } }
permissions: {}
jobs:
  release:
    runs-on: ubuntu-24.04
    outputs:
      decision: \${{ steps.release.outputs.decision }}
      reason: \${{ steps.release.outputs.reason }}
      record: \${{ steps.release.outputs.record }}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - id: release
        uses: acme/holdfast/actions/release@${COMMIT} # v1.0.0
        with:
          environment: production
          version: \${{ vars.VERSION }}
          secrets: |
            TOKEN: \${{ toJSON(secrets.TOKEN) }}
`;

const server = (version: string) => `
const { createServer } = require('node:http');
if (!process.env.TOKEN.endsWith('end-of-sentinel')) process.exit(1);
createServer((request, response) => {
  if (request.url === '/version') response.end(JSON.stringify({ version: '${version}', home: process.env.HOME }));
  else response.end('well');
}).listen(process.env.PORT, '127.0.0.1');
`;

const configuration = (target: string, port: number, more = '') => `
version: 1
project: shop
secrets: [TOKEN]
services:
  web:
    artifact: ./build
    run: { command: [node, server.js], port: ${port} }
    env: { TOKEN: '\${TOKEN}' }
    health: { path: /healthz, streak: 1, interval: 100ms, timeout: 10s, version: { path: /version, json: $.version } }
environments:
  production:
    target: { kind: directory, path: ${target} }
${more}`;

describe("a stranger's repository that pins what is published", () => {
  let root: string;
  let caller: Caller;
  let port: number;
  let good: Outcome;
  let bad: Outcome;
  const answering = async () => Object(await (await fetch(`http://127.0.0.1:${port}/version`)).json()).version;
  const live: string[] = [];

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-published-'));
    port = await freePort();
    mkdirSync(join(root, 'target'));
    caller = await createCaller({
      name: 'shop',
      files: {
        'holdfast.yml': configuration(join(root, 'target'), port),
        'build/server.js': server('v1'),
        '.github/workflows/release.yml': workflow,
      },
      published: [{ repository: 'acme/holdfast', commit: COMMIT, write: exportPublished }],
    });
    const release = (version: string) =>
      caller.run({
        workflow: '.github/workflows/release.yml',
        secrets: { TOKEN: SECRET },
        variables: { VERSION: version },
        runner: 'self-hosted',
      });
    good = await release('v1');
    live.push(await answering());
    caller.commit({ 'build/server.js': 'process.exit(3);\n' });
    bad = await release('v2');
    live.push(await answering());
  }, 240_000);
  afterAll(async () => {
    await caller?.close();
    rmSync(root, { recursive: true, force: true });
  });

  const releaseOf = (run: Outcome) => run.jobs['caller']?.['release'];

  it('releases a good version', () => {
    expect(releaseOf(good)).toMatchObject({ result: 'success', outputs: { decision: 'proceed', reason: 'released' } });
    expect(live[0]).toBe('v1');
  });

  it('goes back from a version that never answers, and fails the job', () => {
    expect(releaseOf(bad)).toMatchObject({ result: 'failure', outputs: { decision: 'stop', reason: 'rolled-back' } });
    expect(live[1]).toBe('v1');
  });

  it('tells on the page of the run what happened', () => {
    expect(good.summaries.join('\n')).toContain('v1');
    expect(bad.summaries.join('\n')).toMatch(/v2[\s\S]*v1/);
  });

  it('keeps the secret where the service needs it, and shows it nowhere', () => {
    const folders = ['reports', 'capsules', 'journal'].map((name) => join(root, 'target/.holdfast', name));

    expect(findLeaks(SECRET, { runs: [good, bad], github: caller.github, folders })).toEqual([]);
    expect(findLeaks('sentinel-', { runs: [], github: caller.github, folders: [join(root, 'target')] })).toEqual([
      expect.stringContaining('/.holdfast/'),
      expect.stringContaining('/.holdfast/'),
    ]);
  });

  it('asked GitHub for nothing that GitHub would not have', () => {
    caller.github.assertAsDescribed();
  });
});

describe('a repository in which not everybody may release', () => {
  const access = "access: { roles: { deployer: ['user:1234'] } }\n";
  const asking = workflow.replace('    outputs:', '    permissions:\n      id-token: write # who asks\n    outputs:');
  let root: string;
  let caller: Caller;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-published-'));
    mkdirSync(join(root, 'target'));
    caller = await createCaller({
      name: 'shop',
      files: {
        'holdfast.yml': configuration(join(root, 'target'), await freePort(), access),
        'build/server.js': server('v1'),
        '.github/workflows/release.yml': asking,
      },
      published: [{ repository: 'acme/holdfast', commit: COMMIT, write: exportPublished }],
    });
  }, 120_000);
  afterAll(async () => {
    await caller?.close();
    rmSync(root, { recursive: true, force: true });
  });
  const release = async (actor: { id: number; login: string }) => {
    const run = await caller.run({
      ...{ workflow: '.github/workflows/release.yml', runner: 'self-hosted', actor },
      secrets: { TOKEN: SECRET },
      variables: { VERSION: 'v1' },
    });
    return { run, outputs: run.jobs['caller']?.['release']?.outputs };
  };

  it("lets those do it whom GitHub's token names, and reads who may from the default branch", async () => {
    const { outputs } = await release({ id: 1234, login: 'alice' });

    expect(outputs).toMatchObject({ decision: 'proceed', reason: 'released' });
    expect(caller.github.asked).toContain('GET /repos/acme/shop/branches/main 200');
    caller.github.assertAsDescribed();
  }, 120_000);

  it('stops others before anything happened, under whatever name they come', async () => {
    const { outputs } = await release({ id: 666, login: 'alice' });

    expect(outputs).toMatchObject({ decision: 'stop', reason: 'not-started' });
  }, 120_000);
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
