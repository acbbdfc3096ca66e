import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, type Sshd, startSshd } from '../support/sshd.ts';
import { exportPublished } from './built.ts';
import { type Caller, createCaller, type Outcome } from './harness.ts';
import { answerOf, resultsOf } from './platform.ts';

const COMMIT = 'abcdef0123456789abcdef0123456789abcdef01';
const HOLDFAST = join(import.meta.dirname, '../../bin/holdfast.js');

const server = (answer: string) => `
const { createServer } = require('node:http');
createServer((_, response) => response.end(${JSON.stringify(answer)})).listen(process.env.PORT, '127.0.0.1');
`;

describe("a stranger's repository, set up as the README says", () => {
  let root: string;
  let sshd: Sshd;
  let port: number;
  let caller: Caller;
  let first: Outcome;
  let second: Outcome;
  let broken: Outcome;
  let back: Outcome;
  const live: string[] = [];

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-stranger-'));
    sshd = await startSshd([`SetEnv PATH=${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin HOME=${root}`]);
    port = await freePort();
    caller = await createCaller({
      name: 'shop',
      files: { 'shop/server.js': server('one'), ...filesOfInit() },
      published: [{ repository: 'acme/holdfast', commit: COMMIT, write: exportPublished }],
    });
    const secrets = { DEPLOY_KEY: sshd.settings.key ?? '' };
    const push = async () => {
      const environments = { release: 'production' };
      const run = await caller.run({ workflow: '.github/workflows/release.yml', secrets, environments });
      live.push(await (await fetch(`http://127.0.0.1:${port}/`)).text());
      return run;
    };
    first = await push();
    caller.commit({ 'shop/server.js': server('two') });
    second = await push();
    caller.commit({ 'shop/server.js': 'process.exit(3);\n' });
    broken = await push();
    back = await caller.run({
      workflow: '.github/workflows/rollback.yml',
      event: 'workflow_dispatch',
      inputs: { to: '', data: 'as-configured', reason: 'one was nicer' },
      secrets,
    });
    live.push(await (await fetch(`http://127.0.0.1:${port}/`)).text());
  }, 600_000);
  afterAll(async () => {
    await caller?.close();
    await sshd?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  /** What init writes for a service in a folder of its own, and what only its owner can fill in. */
  function filesOfInit(): Record<string, string> {
    const folder = join(root, 'repository');
    mkdirSync(join(folder, '.git'), { recursive: true });
    mkdirSync(join(folder, 'shop'));
    writeFileSync(join(folder, 'shop/server.js'), '');
    writeFileSync(join(folder, 'shop/package.json'), '{ "main": "server.js" }\n');
    const argv = ['init', 'shop', '--port', String(port), '--uses', `acme/holdfast@${COMMIT}`];
    execFileSync(process.execPath, [HOLDFAST, ...argv], { cwd: folder, stdio: 'pipe' });
    const names = ['.github/workflows/*.yml', 'shop/package.json'].flatMap((glob) => globSync(glob, { cwd: folder }));
    const configuration = readFileSync(join(folder, 'shop/holdfast.yml'), 'utf8')
      .replaceAll(/^# /gm, '')
      .replaceAll('app1.example.org', '127.0.0.1')
      .replace('hosts: [127.0.0.1]', `hosts: [127.0.0.1]\n      port: ${sshd.port}`)
      .replace('ssh-ed25519 AAAA…', sshd.settings.host_keys?.[0] ?? '')
      .replace('/srv/shop', join(root, 'srv'))
      .replace('user: deploy', 'user: root');
    return {
      ...Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')])),
      'shop/holdfast.yml': configuration,
    };
  }

  it('releases with the first push, and with the next', () => {
    expect(resultsOf(first)).toMatchObject({ release: 'success', recover: 'skipped', report: 'success' });
    expect([first, second].map((run) => answerOf(run)['reason'])).toEqual(['released', 'released']);
    expect(live.slice(0, 2)).toEqual(['one', 'two']);
  });

  it('goes back from a version that does not start', () => {
    // On act a call that fails hands no outputs to its caller.
    const { report } = broken.jobs['release.yml'] ?? {};
    expect(report?.outputs).toMatchObject({ decision: 'stop', reason: 'rolled-back' });
    expect(live[2]).toBe('two');
  });

  it('goes back by hand, and keeps releases out', async () => {
    expect(answerOf(back)).toMatchObject({ decision: 'proceed', reason: 'rolled-back' });
    expect(live[3]).toBe('one');
    expect(JSON.parse(readFileSync(join(root, 'srv/.holdfast/lease.json'), 'utf8'))).toMatchObject({
      purpose: 'hold',
      reason: 'one was nicer',
    });
  });

  it('asked GitHub for nothing that GitHub would not have', () => {
    caller.github.assertAsDescribed();
  });
});
