import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Hosts, startHosts } from '../support/hosts.ts';
import { exportPublished } from './built.ts';
import { type Caller, createCaller, type Outcome } from './harness.ts';
import { answerOf, COMMIT, filledIn, resultsOf, WEBHOOK } from './platform.ts';

const PORT = 41_380;

/** Somebody's own application: one file, a counter in a folder that outlives releases. */
const SERVER = `
const { createServer } = require('node:http');
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const counter = join(process.env.HOLDFAST_SHARED, 'data', 'visits');
const broken = readFileSync('state', 'utf8') === 'broken';
createServer((request, response) => {
  if (request.url === '/version') return response.end(process.env.HOLDFAST_VERSION);
  if (request.url === '/visit') { appendFileSync(counter, 'x'); return response.end('ok'); }
  if (request.url === '/visits') return response.end(existsSync(counter) ? readFileSync(counter) : '');
  response.statusCode = broken && request.url === '/front' ? 500 : 200;
  response.end('well');
}).listen(Number(process.env.PORT), '127.0.0.1');
`;

describe('a release to three hosts', () => {
  let network: Hosts;
  let caller: Caller;
  const versions: string[] = [];
  let count = 0;
  beforeAll(async () => {
    network = await startHosts(3);
    caller = await createCaller({
      name: 'counter',
      files: {
        'holdfast.yml': configurationOf(network),
        'app/server.cjs': SERVER,
        'app/state': 'well',
        '.github/workflows/release.yml': filledIn('release.yml'),
        '.github/workflows/rollback.yml': filledIn('rollback.yml'),
      },
      published: [{ repository: 'acme/holdfast', commit: COMMIT, write: exportPublished }],
    });
  }, 200_000);
  afterAll(async () => {
    await caller?.close();
    await network?.close();
  });

  const secrets = () => ({ DEPLOY_KEY: network.hosts[0]?.sshd.settings.key ?? '', SLACK_WEBHOOK: WEBHOOK });

  async function push(
    state: 'well' | 'broken',
    watch: (entry: { jobID: string; msg: string }) => void = () => {},
  ): Promise<Outcome & { version: string }> {
    count += 1;
    const version = caller.commit({ 'app/count': String(count), 'app/state': state });
    const run = await caller.run({
      workflow: '.github/workflows/release.yml',
      environments: { release: 'production' },
      secrets: secrets(),
      watch,
    });
    return { version, ...run };
  }

  const ask = (path: string) =>
    Promise.all(
      network.hosts.map(async ({ inside }) =>
        (await inside('curl', '-s', '-m', '5', `http://127.0.0.1:${PORT}${path}`).catch(() => 'silent')).trim(),
      ),
    );

  it('reaches all of them', async () => {
    const run = await push('well');

    expect(answerOf(run)).toMatchObject({ reason: 'released', 'live-version': run.version });
    expect(await ask('/version')).toEqual([run.version, run.version, run.version]);
    versions.push(run.version);
    await ask('/visit');
  }, 200_000);

  it('brings all of them back when one page is broken', async () => {
    const run = await push('broken');

    expect(resultsOf(run)).toMatchObject({ release: 'failure', recover: 'success', report: 'success' });
    expect(answerOf(run)).toMatchObject({ reason: 'rolled-back', 'live-version': versions[0] });
    expect(await ask('/version')).toEqual([versions[0], versions[0], versions[0]]);
    expect(await ask('/visits')).toEqual(['x', 'x', 'x']);
  }, 200_000);

  it('is unsafe and names the host that was unplugged in the middle; the next release settles it', async () => {
    const [, , third] = network.hosts;
    let isPulled = false;
    const run = await push('broken', ({ jobID, msg }) => {
      // The third host has the new version by now.
      if (jobID !== 'release' || isPulled || !msg.includes('Run Main acme/holdfast/actions/validate@')) return;
      isPulled = true;
      void third?.unplug();
    });
    const between = await ask('/version');
    await third?.plugIn();
    const next = await push('well');

    expect(resultsOf(run)).toEqual({
      build: 'success',
      admit: 'success',
      release: 'failure',
      recover: 'failure',
      report: 'success',
    });
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'unsafe' });
    expect(run.log).toContain(String(third?.address));
    expect(between.slice(0, 2)).toEqual([versions[0], versions[0]]);
    expect(caller.github.hooks.received.map(({ text }) => String(JSON.parse(text).text)).join('\n')).toContain(
      'failed, and so did the way back',
    );
    expect(next.log).toContain('brought');
    const after = await ask('/version');
    expect(new Set(after).size).toBe(1);
  }, 400_000);

  it('whose seat cannot be reached changes nothing', async () => {
    const [seat] = network.hosts;
    const before = await ask('/version');
    await seat?.unplug();
    const run = await push('well');
    await seat?.plugIn();

    expect(resultsOf(run)).toMatchObject({ admit: 'success', release: 'failure', report: 'success' });
    expect(run.jobs['release.yml']?.['release']?.outputs['backup']).toContain('"reason":"host-unreachable"');
    expect(answerOf(run)).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(await ask('/version')).toEqual(before);
    caller.github.assertAsDescribed();
  }, 300_000);
});

function configurationOf({ hosts, port }: Hosts): string {
  const keys = hosts.map(({ address, sshd }) => `        '${address}': ['${sshd.settings.host_keys?.[0]}']`);
  const node = process.execPath;
  return `version: 1
project: counter
secrets: [DEPLOY_KEY, SLACK_WEBHOOK]
services:
  web:
    artifact: app
    run: { command: ['${node}', server.cjs], port: ${PORT}, stop: { timeout: 3s } }
    shared: [data]
    health: { path: /, interval: 50ms, streak: 2, timeout: 10s, version: { path: /version } }
state:
  visits: { kind: files, service: web, path: data }
validate:
  checks:
    front: { kind: http, path: /front, latency: false }
  performance: { samples: 5 }
alerts:
  channels: { ops: { kind: slack, webhook: '\${SLACK_WEBHOOK}' } }
  routes: [{ send: [ops] }]
environments:
  production:
    target:
      kind: ssh
      hosts: [${hosts.map(({ address }) => `'${address}'`).join(', ')}]
      port: ${port}
      user: root
      path: ~/counter
      max_parallel: 2
      key: '\${DEPLOY_KEY}'
      host_keys:
${keys.join('\n')}
`;
}
