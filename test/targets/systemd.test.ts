import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Step, StepResult } from '../../src/core/step.ts';
import { localMachine } from '../../src/machines/local.ts';
import type { Machine } from '../../src/machines/machine.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { type ActivationTools, activationSteps } from '../../src/targets/directory/activation.ts';
import { createFolders } from '../../src/targets/directory/book.ts';
import type { Startable } from '../../src/targets/directory/instances.ts';
import { layoutOf } from '../../src/targets/directory/layout.ts';
import { supervisedInstances } from '../../src/targets/directory/supervised.ts';
import { ServiceSettings } from '../../src/targets/settings.ts';
import { type FakeSystemd, startFakeSystemd } from '../support/systemd.ts';

const SERVER = `
const http = require('node:http');
const listen = process.env.LISTEN_PID === String(process.pid) ? { fd: 3 } : { port: Number(process.env.PORT), host: '127.0.0.1' };
http.createServer((request, response) => {
  if (request.url === '/version') return response.end(process.env.HOLDFAST_VERSION);
  if (request.url === '/env') return response.end(JSON.stringify(process.env));
  response.end('ok');
}).listen(listen);
process.on('SIGTERM', () => { if (!process.env.STUBBORN) process.exit(0); });
`;

const WRITES = `require('node:fs').writeFileSync(process.env.HOLDFAST_SHARED + '/data/written', '');`;

let root: string;
let port: number;
let systemd: FakeSystemd;
let tools: ActivationTools;
const platform = systemPlatform(silentLog(), new AbortController().signal, tmpdir());

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-systemd-'));
  port = await freePort();
  systemd = await startFakeSystemd();
  tools = await toolsOf(systemd);
});

afterEach(async () => {
  try {
    for (const service of await tools.instances.services()) {
      for (const instance of await tools.instances.find(service)) {
        await tools.instances.stop(instance, { signal: 'SIGTERM', timeout: 50 });
      }
    }
    await tools.instances.releaseSockets([]);
  } finally {
    await systemd.end();
    await rm(root, { recursive: true, force: true });
  }
});

async function toolsOf({ bin, unitFolder }: FakeSystemd, changes: Partial<Machine> = {}): Promise<ActivationTools> {
  const local = localMachine(platform);
  const machine = {
    ...local,
    environment: { ...local.environment, PATH: `${bin}:${local.environment['PATH']}` },
    ...changes,
  };
  const layout = layoutOf(root);
  await createFolders(layout, machine);
  await machine.files.write(
    layout.identity,
    JSON.stringify({ schema: 1, id: 'f00d', environment: 'production', project: 'shop' }),
  );
  const { signal, clock } = platform;
  const wait = (ms: number) => clock.sleep(ms, signal);
  const places = { system: unitFolder, user: unitFolder, linger: '/nowhere' };
  const instances = supervisedInstances({ layout, machine, wait, signal, places });
  return { layout, machine, instances, now: clock.now, wait, signal };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

interface Overrides {
  readonly run?: object;
  readonly env?: object;
  readonly health?: object;
  readonly migrate?: object;
  readonly shared?: readonly string[];
  readonly code?: string;
}

async function aRelease(release: string, version: string, overrides: Overrides = {}): Promise<Startable> {
  const folder = tools.layout.service(release, 'web');
  await tools.machine.files.makeDirectory(folder);
  await writeFile(join(folder, 'server.cjs'), overrides.code ?? SERVER);
  const settings = ServiceSettings.parse({
    artifact: './build',
    run: { command: ['node', 'server.cjs'], port, supervisor: 'systemd', ...overrides.run },
    env: overrides.env ?? {},
    shared: overrides.shared ?? [],
    ...(overrides.migrate === undefined ? {} : { migrate: overrides.migrate }),
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

function stepsTo(startable: Startable, between: readonly Step[] = []): Step[] {
  const { release } = startable;
  const changed = new Set(['web']);
  return activationSteps({ release, services: [startable], changed, retired: [], between, stopAll: false }, tools);
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

const DONE = { outcome: 'done' };
const SERVICE = 'holdfast-shop-production-web.service';
const SOCKET = 'holdfast-shop-production-web.http.socket';
const GATE = 'holdfast-shop-production-web.sockets.service';

describe('services under systemd', () => {
  it('replaces one version by the next, goes back, and keeps the name of the unit', async () => {
    const first = await aRelease('r-1', 'v1');
    const second = await aRelease('r-2', 'v2');

    const results = [await walkAll(stepsTo(first)), await walkAll(stepsTo(second))];
    const upgraded = await answer('/version');
    results.push(await walkAll(stepsTo(first)));

    expect(results).toEqual([DONE, DONE, DONE]);
    expect([upgraded, await answer('/version')]).toEqual(['v2', 'v1']);
    expect(systemd.activeUnits()).toEqual([SERVICE]);
    expect(systemd.enabled()).toEqual([SERVICE]);
    expect((await tools.instances.find('web')).map(({ release, alive }) => [release, alive])).toEqual([['r-1', true]]);
  });

  it('keeps the port open while no version runs, and traffic starts nothing', async () => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1', { run: { strategy: 'socket' } })));
    const second = await aRelease('r-2', 'v2', { run: { strategy: 'socket' } });
    let asked: Promise<string> | undefined;
    let runningMeanwhile: string[] = [];
    const migration: Step = {
      name: 'migrate:web',
      summary: 'take a while',
      async run() {
        asked = answer('/version');
        await new Promise((resolve) => setTimeout(resolve, 200));
        runningMeanwhile = systemd.activeUnits();
        return { outcome: 'done' };
      },
    };

    const result = await walkAll(stepsTo(second, [migration]));

    expect(result).toEqual(DONE);
    expect(runningMeanwhile).toEqual([SOCKET, GATE].sort());
    expect(await asked).toBe('v2');
    expect(systemd.hazards).toEqual([]);
    expect(systemd.enabled()).toEqual([SOCKET, SERVICE, GATE].sort());
    expect(systemd.asked.filter((line) => line === `start ${SOCKET}`)).toHaveLength(1);
  });

  it('hands the sockets of several ports over by name, to several processes', async () => {
    const metrics = await freePort();
    const ports = { http: port, metrics };
    const run = { strategy: 'socket', instances: 2, port: undefined, ports };
    // Descriptors come in no particular order.
    const code = SERVER.replace('{ fd: 3 }', '{ fd: 3 + process.env.LISTEN_FDNAMES.split(":").indexOf("web.http") }');

    const result = await walkAll(stepsTo(await aRelease('r-1', 'v1', { run, code })));

    expect(result).toEqual(DONE);
    expect(JSON.parse(await answer('/env'))).toMatchObject({ LISTEN_FDS: '2', PORT_METRICS: String(metrics) });
    expect((await tools.instances.find('web')).map(({ unit, alive }) => [unit, alive])).toEqual([
      [SERVICE, true],
      ['holdfast-shop-production-web.2.service', true],
    ]);
    expect(await tools.instances.held()).toMatchObject({ 'web.http': { port }, 'web.metrics': { port: metrics } });
  });

  it('lets two versions overlap where the service allows it: the new one has a unit of its own', async () => {
    const code = SERVER.replace("host: '127.0.0.1' }", "host: '127.0.0.1', reusePort: true }");
    const overlap = { run: { strategy: 'overlap' }, code };
    await walkAll(stepsTo(await aRelease('r-1', 'v1', overlap)));

    const result = await walkAll(stepsTo(await aRelease('r-2', 'v2', overlap)));

    expect(result).toEqual(DONE);
    expect(systemd.activeUnits()).toEqual(['holdfast-shop-production-web.2.service']);
    expect(await answer('/version')).toBe('v2');
  });

  it.each(['restart', 'socket'])('gives a service exactly the documented environment, with %s', async (strategy) => {
    const env = { LOG_LEVEL: 'info', ODD: `a "b" 'c' $HOME \`d\` \\e\nf\\` };
    await walkAll(stepsTo(await aRelease('r-1', 'v1', { run: { strategy }, env })));

    const environment: Record<string, string> = JSON.parse(await answer('/env'));

    const own = ['HOLDFAST_RELEASE', 'HOLDFAST_SHARED', 'HOLDFAST_VERSION', 'PORT', 'PORT_HTTP'];
    const passed = strategy === 'socket' ? ['LISTEN_FDNAMES', 'LISTEN_FDS', 'LISTEN_PID'] : [];
    const expected = [...Object.keys(tools.machine.environment), ...Object.keys(env), ...own, ...passed];
    expect(Object.keys(environment).sort()).toEqual(expected.sort());
    expect(environment['ODD']).toBe(env.ODD);
    expect(environment['PATH']).toBe(tools.machine.environment['PATH']);
  });

  it('keeps values out of the unit, which everybody may read', async () => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1', { env: { DATABASE_URL: 'postgres://u:sesame@db/x' } })));

    const unit = await readFile(join(systemd.unitFolder, SERVICE), 'utf8');
    const variables = join(tools.layout.units, `${SERVICE}.env`);

    expect(unit).not.toContain('sesame');
    expect(await readFile(variables, 'utf8')).toContain('sesame');
    expect((await stat(variables)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['exits with status 0', 'process.exit(0)', /web exited with status 0 while it was starting/],
    ['crashes', 'throw new Error("no configuration")', /web exited with status 1 while it was starting/],
    ['is killed', 'process.kill(process.pid, "SIGSEGV")', /web was ended by SIGSEGV while it was starting/],
  ])('calls it a failure when a service %s while starting, although systemd tries again', async (_, code, message) => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1')));

    const failed = await walkAll(stepsTo(await aRelease('r-2', 'v2', { code })));
    const back = await walkAll(stepsTo(await aRelease('r-1', 'v1')));

    expect(failed).toMatchObject({ outcome: 'failed', reason: 'exited', message: expect.stringMatching(message) });
    expect(back).toEqual(DONE);
    expect(await answer('/version')).toBe('v1');
  });

  it('finds the new process after systemd has restarted a service', async () => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1')));
    const [before] = await tools.instances.find('web');

    process.kill(before?.process.pid ?? 0, 'SIGSEGV');
    const until = Date.now() + 8000;
    let [after] = await tools.instances.find('web');
    while (after?.alive !== true && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      [after] = await tools.instances.find('web');
    }

    expect(after).toMatchObject({ release: 'r-1', alive: true });
    expect(after?.process.pid).not.toBe(before?.process.pid);
  });

  it('says when a service had to be killed', async () => {
    const stubborn = { env: { STUBBORN: '1' }, run: { stop: { timeout: '200ms' } } };
    await walkAll(stepsTo(await aRelease('r-1', 'v1', stubborn)));
    const next = stepsTo(await aRelease('r-2', 'v2', stubborn)).filter(({ name }) => name === 'stop:web');

    const [result] = await Promise.all(next.map((step) => step.run({ progress() {}, note() {} })));

    expect(result).toEqual({
      outcome: 'done',
      facts: { stopped: 1, killed: 1 },
      note: '1 of 1 did not end within 200 ms of SIGTERM and had to be killed',
    });
    expect(systemd.activeUnits()).toEqual([]);
  });

  it('removes every trace of a service that is retired', async () => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1', { run: { strategy: 'socket' } })));
    const retire = activationSteps(
      { release: undefined, services: [], changed: new Set(), retired: ['web'], between: [], stopAll: false },
      tools,
    );

    const results = [await walkAll(retire), await walkAll(retire)];

    expect(results).toEqual([DONE, DONE]);
    expect(systemd.activeUnits()).toEqual([]);
    expect(systemd.enabled()).toEqual([]);
    expect(await tools.machine.files.list(systemd.unitFolder)).toEqual([]);
    expect(await tools.machine.files.list(tools.layout.units)).toEqual([]);
  });

  it('moves a service from none to systemd and back, with and without a held socket', async () => {
    const walked: unknown[] = [];
    const chain = [
      ['none', 'restart'],
      ['systemd', 'restart'],
      ['systemd', 'socket'],
      ['none', 'socket'],
      ['systemd', 'socket'],
      ['systemd', 'restart'],
      ['none', 'restart'],
    ] as const;

    for (const [index, [supervisor, strategy]] of chain.entries()) {
      const result = await walkAll(
        stepsTo(await aRelease(`r-${index}`, `v${index}`, { run: { supervisor, strategy } })),
      );
      const found = await tools.instances.find('web');
      const held = Object.keys(await tools.instances.held());
      walked.push([result.outcome, await answer('/version'), found.map(({ unit }) => unit ?? 'none'), held]);
    }

    expect(walked).toEqual(
      chain.map(([supervisor, strategy], index) => [
        'done',
        `v${index}`,
        [supervisor === 'systemd' ? SERVICE : 'none'],
        strategy === 'socket' ? ['web.http'] : [],
      ]),
    );
    expect(await tools.machine.files.list(systemd.unitFolder)).toEqual([]);
  });

  it('asks for no reload of systemd when the sockets stay as they are', async () => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1', { run: { strategy: 'socket' } })));
    systemd.asked.length = 0;

    await tools.instances.hold(await aRelease('r-2', 'v2', { run: { strategy: 'socket' } }));

    expect(systemd.asked).toEqual([]);
  });

  it('ends in the same state when it is interrupted at any word to systemd and then repeated', async () => {
    const { processes } = tools.machine;
    let left = Number.POSITIVE_INFINITY;
    const run: typeof processes.run = async (command, options, signal) => {
      const changes = command.argv[0] === 'systemctl' && !command.argv.includes('show');
      // The word is heard, and whoever said it is gone.
      const outcome = await processes.run(command, options, signal);
      if (changes) left -= 1;
      if (left < 0) throw new Error('interrupted');
      return outcome;
    };
    tools = await toolsOf(systemd, { processes: { ...processes, run } });
    const health = { streak: 1 };
    const releases = [
      await aRelease('r-0', 'v0', { run: { strategy: 'socket' }, health }),
      await aRelease('r-1', 'v1', { run: { strategy: 'restart' }, health }),
    ];
    const ended: unknown[] = [];
    let words = 0;

    for (let wasInterrupted = true; wasInterrupted; words += 1) {
      const next = releases[words % 2] ?? (await aRelease('r-2', 'v2'));
      left = words;
      wasInterrupted = await walkAll(stepsTo(next)).then(
        () => false,
        () => true,
      );
      left = Number.POSITIVE_INFINITY;
      const repeated = await walkAll(stepsTo(next));
      const active = systemd.activeUnits().join(' ');
      ended.push([repeated.outcome, await answer('/version'), active, systemd.enabled().sort().join(' ')]);
    }

    const held = [SOCKET, SERVICE, GATE].sort().join(' ');
    const expected = ended.map((_, index) => [
      'done',
      ...(index % 2 === 0 ? ['v0', held, held] : ['v1', SERVICE, SERVICE]),
    ]);
    expect(words).toBeGreaterThan(10);
    expect(ended).toEqual(expected);
  }, 120_000);

  it('opens another port when a release moves to one', async () => {
    await walkAll(stepsTo(await aRelease('r-1', 'v1', { run: { strategy: 'socket' } })));
    const old = port;
    port = await freePort();

    const result = await walkAll(stepsTo(await aRelease('r-2', 'v2', { run: { strategy: 'socket', port } })));

    expect(result).toEqual(DONE);
    expect(await answer('/version')).toBe('v2');
    await expect(fetch(`http://127.0.0.1:${old}/`)).rejects.toThrow();
  });
});

(userInfo().uid === 0 ? it : it.skip)('runs a service as its user, who gets its shared folders', async () => {
  await chmod(root, 0o755);
  const data = join(tools.layout.shared('web'), 'data');
  await tools.machine.files.makeDirectory(data);
  const first = await aRelease('r-1', 'v1', {
    run: { user: 'nobody' },
    shared: ['data'],
    code: `${SERVER}\n${WRITES}`,
  });

  const result = await walkAll(stepsTo(first));

  expect(result).toEqual(DONE);
  expect((await stat(join(data, 'written'))).uid).toBe((await stat(data)).uid);
  expect((await stat(data)).uid).not.toBe(0);
});

describe('what a release under systemd needs', () => {
  const check = (startable: Startable) => walkAll(stepsTo(startable).filter(({ looks }) => looks === true));

  it('is looked at before anything is touched', async () => {
    const steps = stepsTo(await aRelease('r-1', 'v1'));

    expect(steps.filter(({ looks }) => looks === true).map(({ name }) => name)).toEqual([
      'check-supervisor',
      'check-ports',
    ]);
    expect(steps.slice(2).every(({ looks }) => looks === undefined)).toBe(true);
  });

  it('is not asked about where Holdfast starts everything itself', async () => {
    const names = stepsTo(await aRelease('r-1', 'v1', { run: { supervisor: 'none' } })).map(({ name }) => name);

    expect(names).not.toContain('check-supervisor');
  });

  it('is a computer that was started with systemd', async () => {
    systemd.state = 'offline';

    const result = await check(await aRelease('r-1', 'v1'));

    expect(result).toMatchObject({ reason: 'systemd-missing', message: 'local was not started with systemd' });
  });

  it('is a systemctl', async () => {
    const empty = join(root, 'empty');
    await tools.machine.files.makeDirectory(empty);
    await writeFile(join(empty, 'id'), '#!/bin/sh\n[ "$1" = -u ] && echo 0 || echo root\n');
    await chmod(join(empty, 'id'), 0o755);
    tools = await toolsOf(systemd, { environment: { PATH: empty, HOME: root } });

    const result = await check(await aRelease('r-1', 'v1'));

    expect(result).toMatchObject({ reason: 'systemd-missing', message: 'there is no systemctl on local' });
  });

  it('is a value that systemd passes on', async () => {
    const result = await check(await aRelease('r-1', 'v1', { env: { PEM: 'a\r\nb' } }));

    expect(result).toMatchObject({
      reason: 'variable-not-for-systemd',
      message: expect.stringContaining('PEM of web'),
    });
  });

  it('is a unit that nobody else has', async () => {
    await writeFile(join(systemd.unitFolder, SERVICE), '[X-Holdfast]\nTarget=beef\n');

    const result = await check(await aRelease('r-1', 'v1'));

    expect(result).toMatchObject({ reason: 'unit-taken', message: expect.stringContaining(SERVICE) });
  });

  it('is a user that exists', async () => {
    const result = await check(await aRelease('r-1', 'v1', { run: { user: 'nobody-of-that-name' } }));

    expect(result).toMatchObject({ outcome: 'failed', message: expect.stringMatching(/nobody-of-that-name/) });
  });

  it('is a program that runs migrations as that user', async () => {
    const { machine } = tools;
    const processes: Machine['processes'] = {
      ...machine.processes,
      async run(command, options, signal) {
        const ended = await machine.processes.run(command, options, signal);
        return command.argv.some((word) => word.includes('setpriv')) ? { ...ended, status: 1, stdout: '' } : ended;
      },
    };
    tools = await toolsOf(systemd, { processes });
    const migrating = await aRelease('r-1', 'v1', { run: { user: 'nobody' }, migrate: { command: ['migrate'] } });
    const other = await aRelease('r-2', 'v2', { run: { user: 'nobody' } });

    expect(await check(migrating)).toMatchObject({
      reason: 'program-missing',
      message: 'local has no program setpriv or runuser, which commands of web need to run as its user',
    });
    expect(await check(other)).toEqual(DONE);
  });

  it('is systemd, for another user than the one who releases', async () => {
    const result = await check(await aRelease('r-1', 'v1', { run: { supervisor: 'none', user: 'nobody' } }));

    expect(result).toMatchObject({
      reason: 'user-not-possible',
      remedy: expect.stringContaining('run.supervisor: systemd'),
    });
  });
});
