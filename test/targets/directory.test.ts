import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Step, StepResult } from '../../src/core/step.ts';
import { localMachine } from '../../src/machines/local.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { type ActivationTools, activationSteps } from '../../src/targets/directory/activation.ts';
import { createFolders } from '../../src/targets/directory/book.ts';
import { directoryInstances, type Startable } from '../../src/targets/directory/instances.ts';
import { layoutOf } from '../../src/targets/directory/layout.ts';
import { ServiceSettings } from '../../src/targets/settings.ts';

const SERVER = `
const http = require('node:http');
const listen = process.env.LISTEN_PID === String(process.pid) ? { fd: 3 } : { port: Number(process.env.PORT), host: '127.0.0.1' };
const server = http.createServer((request, response) => {
  if (request.url === '/version') return response.end(process.env.HOLDFAST_VERSION);
  if (request.url === '/env') return response.end(JSON.stringify(process.env));
  response.statusCode = process.env.NEVER_READY ? 503 : 200;
  response.end('ok');
}).listen(listen);
process.on('SIGTERM', () => { if (!process.env.STUBBORN) process.exit(0); });
`;

let root: string;
let tools: ActivationTools;
let port: number;
const platform = systemPlatform(silentLog(), new AbortController().signal, tmpdir());

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-target-'));
  port = await freePort();
  const machine = localMachine(platform);
  const layout = layoutOf(root);
  await createFolders(layout, machine);
  const wait = (ms: number) => platform.clock.sleep(ms, platform.signal);
  const instances = directoryInstances(layout, machine, wait);
  tools = { layout, machine, instances, now: platform.clock.now, wait, signal: platform.signal };
});

afterEach(async () => {
  for (const service of await tools.instances.services()) {
    for (const instance of await tools.instances.find(service)) {
      await tools.instances.stop(instance, { signal: 'SIGTERM', timeout: 50 });
    }
  }
  await tools.instances.releaseSockets([]);
  await rm(root, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function aRelease(
  release: string,
  version: string,
  overrides: { run?: object; env?: object; health?: object; code?: string } = {},
): Promise<Startable> {
  await tools.machine.files.makeDirectory(tools.layout.service(release, 'web'));
  await writeFile(join(tools.layout.service(release, 'web'), 'server.cjs'), overrides.code ?? SERVER);
  const settings = ServiceSettings.parse({
    artifact: './build',
    run: { command: ['node', 'server.cjs'], port, ...overrides.run },
    env: overrides.env ?? {},
    health: {
      path: '/healthz',
      interval: '20ms',
      streak: 3,
      timeout: '8s',
      version: { path: '/version' },
      ...overrides.health,
    },
  });
  return { service: 'web', release, version, settings };
}

function stepsTo(startable: Startable, stopAll = false): Step[] {
  return activationSteps(
    { release: startable.release, services: [startable], changed: new Set(['web']), retired: [], between: [], stopAll },
    tools,
  );
}

async function walkAll(steps: readonly Step[]): Promise<StepResult> {
  for (const step of steps) {
    const result = await step.run({ progress() {}, note() {} });
    if (result.outcome === 'failed') return result;
  }
  return { outcome: 'done' };
}

async function answer(path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}

describe('a directory target', () => {
  it.each(['restart', 'socket'])(
    'replaces one version by the next with %s, and the link names it',
    async (strategy) => {
      const first = await aRelease('r-1', 'v1', { run: { strategy } });
      const second = await aRelease('r-2', 'v2', { run: { strategy } });

      const firstResult = await walkAll(stepsTo(first));
      const versionBefore = await answer('/version');
      const secondResult = await walkAll(stepsTo(second));

      expect([firstResult, secondResult]).toEqual([{ outcome: 'done' }, { outcome: 'done' }]);
      expect(versionBefore).toBe('v1');
      expect(await answer('/version')).toBe('v2');
      expect(await tools.machine.files.readLink(tools.layout.current)).toBe('releases/r-2');
      expect((await tools.instances.find('web')).filter(({ alive }) => alive)).toHaveLength(1);
    },
  );

  it('answers every request that arrives while no version runs, with socket', async () => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1', { run: { strategy: 'socket' } })));
    const second = await aRelease('r-2', 'v2', { run: { strategy: 'socket' } });
    let paused: () => void = () => {};
    const isPaused = new Promise<void>((resolve) => {
      paused = resolve;
    });
    const slow: Step = {
      name: 'migrate:web',
      summary: 'take a while',
      async run() {
        paused();
        await new Promise((resolve) => setTimeout(resolve, 400));
        return { outcome: 'done' };
      },
    };
    const steps = activationSteps(
      { release: 'r-2', services: [second], changed: new Set(['web']), retired: [], between: [slow], stopAll: false },
      tools,
    );

    const walking = walkAll(steps);
    await isPaused;
    const whilePaused = await answer('/version');

    expect(whilePaused).toBe('v2');
    expect(await walking).toEqual({ outcome: 'done' });
  });

  it('lets connections wait from the moment a socket is held, before the first version runs', async () => {
    const first = await aRelease('r-1', 'v1', { run: { strategy: 'socket' } });
    await tools.instances.hold(first);

    const early = answer('/version');
    const { listening } = await tools.machine.processes.listeners(port);
    await walkAll(stepsTo(first));

    expect(listening).toBe(true);
    expect(await early).toBe('v1');
  });

  it('lets two versions overlap when the service binds with SO_REUSEPORT, and counts only the new one as healthy', async () => {
    const code = SERVER.replace("host: '127.0.0.1' }", "host: '127.0.0.1', reusePort: true }");
    const overlap = { run: { strategy: 'overlap' }, code };
    await walkAll(stepsTo(await aRelease('r-1', 'v1', overlap)));
    const steps = stepsTo(await aRelease('r-2', 'v2', overlap));

    const names = steps.map(({ name }) => name);
    const result = await walkAll(steps);

    expect(names.indexOf('start:web')).toBeLessThan(names.indexOf('stop:web'));
    expect(result).toEqual({ outcome: 'done' });
    expect(await answer('/version')).toBe('v2');
    expect((await tools.instances.find('web')).map(({ release }) => release)).toEqual(['r-2']);
  });

  it('starts as many processes as `instances` says, and stops them all', async () => {
    const three = { run: { strategy: 'socket', instances: 3 } };
    await walkAll(stepsTo(await aRelease('r-1', 'v1', three)));
    const first = await tools.instances.find('web');

    await walkAll(stepsTo(await aRelease('r-2', 'v2', { run: { strategy: 'socket', instances: 2 } })));

    expect(first).toHaveLength(3);
    expect((await tools.instances.find('web')).map(({ release, alive }) => [release, alive])).toEqual([
      ['r-2', true],
      ['r-2', true],
    ]);
  });

  it('gives a service exactly the documented environment, whatever the strategy', async () => {
    const expected = (strategy: string) => [
      ...Object.keys(tools.machine.environment),
      ...['HOLDFAST_RELEASE', 'HOLDFAST_SHARED', 'HOLDFAST_VERSION', 'LOG_LEVEL', 'PORT', 'PORT_HTTP'],
      ...(strategy === 'socket' ? ['LISTEN_FDNAMES', 'LISTEN_FDS', 'LISTEN_PID'] : []),
    ];
    for (const [index, strategy] of ['restart', 'socket'].entries()) {
      await walkAll(stepsTo(await aRelease(`r-${index}`, 'v1', { run: { strategy }, env: { LOG_LEVEL: 'info' } })));

      const environment: Record<string, string> = JSON.parse(await answer('/env'));

      expect(Object.keys(environment).sort()).toEqual(expected(strategy).sort());
      expect(environment['HOLDFAST_SHARED']).toBe(tools.layout.shared('web'));
    }
  });

  it.each([
    ['exits with status 0', 'process.exit(0)', 'exited', /exited with status 0 while it was starting/],
    ['crashes', 'throw new Error("no configuration")', 'exited', /exited with status 1 while it was starting/],
  ])('calls it a failure when a service %s while starting', async (_name, code, reason, message) => {
    const result = await walkAll(stepsTo(await aRelease('r-1', 'v1', { code })));

    expect(result).toMatchObject({ outcome: 'failed', reason, message: expect.stringMatching(message) });
  });

  it('names the last answer when a service never becomes healthy, and shows the end of its log', async () => {
    const never = await aRelease('r-1', 'v1', { env: { NEVER_READY: '1' }, health: { timeout: '300ms' } });

    const result = await walkAll(stepsTo(never));

    expect(result).toMatchObject({
      outcome: 'failed',
      reason: 'never-healthy',
      message: expect.stringContaining('/healthz answers 503'),
    });
  });

  it('does not believe an answer of the wrong version', async () => {
    const wrong = await aRelease('r-1', 'v1', {
      health: { timeout: '300ms' },
      code: SERVER.replaceAll('process.env.HOLDFAST_VERSION', '"v0"'),
    });

    const result = await walkAll(stepsTo(wrong));

    expect(result).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('answers version "v0", not v1'),
    });
  });

  it('notices that somebody else holds the port before it stops anything', async () => {
    const first = await aRelease('r-1', 'v1');
    await walkAll(stepsTo(first));
    const stranger = createServer();
    const taken = await new Promise<number>((resolve) => {
      stranger.listen(0, '127.0.0.1', () => {
        const address = stranger.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const second = await aRelease('r-2', 'v2', { run: { port: taken } });

    const result = await walkAll(stepsTo(second));

    expect(result).toMatchObject({
      outcome: 'failed',
      reason: 'port-taken',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    expect(await answer('/version')).toBe('v1');
    stranger.close();
  });

  it('kills a service that does not obey its stop signal, with all that it started', async () => {
    const stubborn = await aRelease('r-1', 'v1', {
      env: { STUBBORN: '1' },
      run: { stop: { timeout: '200ms' } },
      code: `${SERVER}; require('node:child_process').spawn('sleep', ['300'])`,
    });
    await walkAll(stepsTo(stubborn));
    const [running] = await tools.instances.find('web');
    const before = running === undefined ? [] : await tools.machine.processes.groupMembers(running.process);

    await walkAll(stepsTo(await aRelease('r-2', 'v2', { run: { stop: { timeout: '200ms' } } })));

    expect(before).toHaveLength(2);
    expect(running && (await tools.machine.processes.groupMembers(running.process))).toEqual([]);
    expect(await answer('/version')).toBe('v2');
  });

  it('finds and stops a process that an interrupted run started without recording it', async () => {
    const first = await aRelease('r-1', 'v1');
    await walkAll(stepsTo(first));
    for (const name of await tools.machine.files.list(tools.layout.processes)) {
      await rm(join(tools.layout.processes, name));
    }

    const result = await walkAll(stepsTo(await aRelease('r-2', 'v2')));

    expect(result).toEqual({ outcome: 'done' });
    expect(await answer('/version')).toBe('v2');
  });

  it('writes what a service says to a log that is rotated', async () => {
    await writeFile(tools.layout.log('web'), 'x'.repeat(11 * 1024 * 1024));

    await walkAll(stepsTo(await aRelease('r-1', 'v1', { code: `console.log('hello from v1');${SERVER}` })));

    expect(await readFile(tools.layout.log('web'), 'utf8')).toBe('hello from v1\n');
    expect(await tools.machine.files.list(tools.layout.logs)).toEqual(['web.log', 'web.log.1']);
  });

  it('refuses to replace a real folder called current', async () => {
    await tools.machine.files.makeDirectory(tools.layout.current);

    const result = await walkAll(stepsTo(await aRelease('r-1', 'v1')));

    expect(result).toMatchObject({ outcome: 'failed', reason: 'current-not-a-link' });
  });
});
