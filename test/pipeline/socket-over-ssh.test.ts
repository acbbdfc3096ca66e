import { readdirSync } from 'node:fs';
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Configuration } from '../../src/config/configuration.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { openEnvironment, sitesOf } from '../../src/environment/environment.ts';
import { stopEverything } from '../../src/environment/teardown.ts';
import { plan } from '../../src/pipeline/plan.ts';
import { release } from '../../src/pipeline/release.ts';
import { rollback } from '../../src/pipeline/rollback.ts';
import { aFolder } from '../support/machine.ts';
import { withPlatform } from '../support/platform.ts';
import { freePort, type Sshd, startSshd } from '../support/sshd.ts';

/** Takes its socket and drains as docs/zero-downtime.md tells. */
const SERVER = `
const http = require('node:http');
const net = require('node:net');
const connections = new Map();
let isDraining = false;
const server = http.createServer((request, response) => {
  if (isDraining) response.setHeader('Connection', 'close');
  response.once('close', () => connections.set(request.socket, Date.now()));
  response.end(process.env.HOLDFAST_VERSION);
});
server.on('connection', (socket) => {
  connections.set(socket, Date.now());
  socket.once('close', () => connections.delete(socket));
});
if (Number(process.env.LISTEN_PID) !== process.pid) throw new Error('no socket was passed');
server.listen({ fd: 3, backlog: 4096 });
process.on('SIGTERM', () => {
  isDraining = true;
  const startedAt = Date.now();
  net.Server.prototype.close.call(server);
  setInterval(() => {
    for (const [socket, usedAt] of connections) if (Date.now() - Math.max(usedAt, startedAt) > 500) socket.end();
    if (connections.size === 0 || Date.now() - startedAt > 10000) process.exit(0);
  }, 25);
});
`;

async function aPlace(folder: string, port: number, { settings }: Sshd) {
  const root = join(folder, 'environment');
  for (const version of ['v1', 'v2', 'v3']) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'server.cjs'), `// ${version}\n${SERVER}`);
  }
  const configurationOf = (version: string): Configuration => {
    const target = { kind: 'ssh', hosts: [settings.host], path: root, user: settings.user, port: settings.port };
    const document = {
      version: 1,
      project: 'held',
      secrets: ['DEPLOY_KEY'],
      services: {
        web: {
          artifact: version,
          run: { command: ['node', 'server.cjs'], port, strategy: 'socket', stop: { timeout: '15s' } },
          health: { path: '/', interval: '50ms', streak: 2, version: { path: '/' } },
        },
      },
      validate: { performance: { samples: 5 } },
      environments: {
        local: { target: { ...target, key: '${DEPLOY_KEY}', host_keys: { [settings.host]: settings.host_keys } } },
      },
    };
    const loaded = loadConfiguration({
      bytes: Buffer.from(JSON.stringify(document)),
      file: 'holdfast.yml',
      directory: folder,
      secrets: { DEPLOY_KEY: settings.key ?? '' },
      variables: {},
      overrides: [],
    });
    if (!loaded.ok) throw new Error(formatProblems(loaded.problems, 'holdfast.yml'));
    return loaded.configuration;
  };
  const request = (version: string) => ({ version, service: undefined, withoutProof: undefined });
  return {
    root,
    plan: (version: string) =>
      withPlatform((platform) => plan({ version, service: undefined }, configurationOf(version), platform)),
    release: (version: string) =>
      withPlatform((platform) => release(request(version), configurationOf(version), platform)),
    rollback: () =>
      withPlatform((platform) =>
        rollback({ to: undefined, data: 'keep', reason: undefined }, configurationOf('v3'), platform),
      ),
    close: () =>
      withPlatform(async (platform) => {
        const environment = await openEnvironment(configurationOf('v1'), platform, { create: false });
        for (const site of sitesOf(environment)) await stopEverything(site);
      }),
  };
}

/** Asks again and again, half of the clients over one connection each and half over a new one for each request. */
function startLoad(port: number) {
  const answers: string[] = [];
  let isOver = false;
  const ask = (agent: Agent): Promise<string> =>
    new Promise((resolve) => {
      const asked = get({ port, host: '127.0.0.1', agent, timeout: 10_000 }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.once('end', () => resolve(response.statusCode === 200 ? body : `status ${response.statusCode}`));
        response.once('error', (error) => resolve(`failed: ${error.message}`));
      });
      asked.once('timeout', () => asked.destroy(new Error('no answer within ten seconds')));
      asked.once('error', (error) => resolve(`failed: ${error.message}`));
    });
  const client = async (keepAlive: boolean) => {
    const agent = new Agent({ keepAlive, maxSockets: 1 });
    while (!isOver) {
      answers.push(await ask(agent));
      await sleep(20);
    }
    agent.destroy();
  };
  const clients = [true, true, true, true, false, false, false, false].map(client);
  return async () => {
    isOver = true;
    await Promise.all(clients);
    return answers;
  };
}

describe('a service with the strategy socket, over ssh', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());

  it('answers every request through two releases and a rollback', async () => {
    const port = await freePort();
    const place = await aPlace(await aFolder(), port, sshd);
    const first = await place.release('v1');
    const stopLoad = startLoad(port);

    const reports = [await place.release('v2'), await place.release('v3')];
    const back = await place.rollback();
    const answers = await stopLoad();
    await place.close();

    expect([first, ...reports].map(({ reason }) => reason)).toEqual(['released', 'released', 'released']);
    expect(back).toMatchObject({ decision: 'proceed', record: { live: { version: 'v2' } } });
    expect(answers.filter((answer) => !/^v[123]$/.test(answer))).toEqual([]);
    expect(answers.length).toBeGreaterThan(200);
    // Each version in its turn, and never an older one after a newer one.
    const seen = answers.filter((answer, index) => answer !== answers[index - 1]);
    expect([...new Set(seen)]).toEqual(['v1', 'v2', 'v3']);
    expect(answers.at(-1)).toBe('v2');
    expect(await readdir(join(place.root, '.holdfast/holder'))).toEqual(['holder.log']);
  }, 240_000);

  it('is refused before anything is changed where the server has no Node', async () => {
    const bin = join(await aFolder(), 'bin');
    await mkdir(bin);
    for (const name of readdirSync('/usr/bin')) {
      if (!/^node(?:js)?$/.test(name)) await symlink(`/usr/bin/${name}`, join(bin, name));
    }
    const bare = await startSshd([`SetEnv PATH=${bin}`]);
    try {
      const place = await aPlace(await aFolder(), await freePort(), bare);

      const planned = await place.plan('v1');
      const released = await place.release('v1');

      const message =
        'nothing on 127.0.0.1 can hold the ports of web between two versions: there is no program node in its PATH';
      const remedy = expect.stringMatching(/Node there .*run\.supervisor: systemd.*run\.strategy/);
      expect(planned).toMatchObject({
        decision: 'stop',
        findings: expect.arrayContaining([expect.objectContaining({ check: 'check-supervisor', message, remedy })]),
      });
      expect(released).toMatchObject({ decision: 'stop', reason: 'not-started' });
      expect(JSON.stringify(released)).toContain(message);
      await expect(stat(join(place.root, 'current'))).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await readdir(join(place.root, '.holdfast/holder'))).toEqual([]);
    } finally {
      await bare.stop();
    }
  }, 60_000);
});
