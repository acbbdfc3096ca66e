import { execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { planChecks } from '../../src/checks/catalogue.ts';
import type { Observed } from '../../src/checks/check.ts';
import { recordBaseline } from '../../src/checks/record-baseline.ts';
import { ValidateSettings } from '../../src/checks/settings.ts';
import type { FoundBaseline } from '../../src/environment/found-baseline.ts';
import { Services } from '../../src/targets/settings.ts';
import { validate } from '../../src/validate/validate.ts';
import { aFolder, aMachine } from '../support/machine.ts';
import { anObserved } from './observed.ts';

const SAMPLE = resolve(import.meta.dirname, '../../examples/insurance-navigator');
const SECRETS = { JWT_SECRET: 'signs-the-tokens-of-this-test', NAVIGATOR_PASSWORD: 'opens-the-door' };
const ends: (() => Promise<void>)[] = [];

/** A version of the sample platform, migrated and running, as its own configuration has it checked. */
async function aNavigator(version: string, fault?: string): Promise<Observed> {
  const folder = await aFolder();
  const build = join(folder, 'build');
  const args = ['build.js', '--version', version, '--out', build, ...(fault === undefined ? [] : ['--fault', fault])];
  execFileSync(process.execPath, args, { cwd: SAMPLE });
  const port = await aFreePort();
  const env = {
    ...SECRETS,
    PATH: process.env['PATH'] ?? '',
    PORT: String(port),
    HOLDFAST_SHARED: join(folder, 'shared'),
    HOLDFAST_RELEASE: 'r-1',
    HOLDFAST_VERSION: version,
    MIGRATE_ON_START: '0',
  };
  execFileSync(process.execPath, ['migrate.js'], { cwd: build, env });
  const child = spawn(process.execPath, ['server.js'], { cwd: build, env, stdio: 'ignore' });
  ends.push(async () => {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  });
  await untilListening(port);
  return observe(port, version, child.pid ?? 0);
}

async function observe(port: number, version: string, pid: number): Promise<Observed> {
  const text = await readFile(join(SAMPLE, 'holdfast.yml'), 'utf8');
  const own = parse(text.replaceAll('${NAVIGATOR_PASSWORD}', SECRETS.NAVIGATOR_PASSWORD));
  const observed = await anObserved({ port, version, secretValues: SECRETS });
  const machine = aMachine('/tmp');
  const id = await machine.processes.identify(pid);
  if (id === undefined) throw new Error(`${version} does not run`);
  const groupMembers = async () => [pid];
  return {
    ...observed,
    machine: { ...machine, processes: { ...machine.processes, groupMembers } },
    settings: {
      ...observed.settings,
      services: Services.parse({ api: { ...own.services.api, run: { ...own.services.api.run, port } } }),
      validate: ValidateSettings.parse(own.validate),
    },
    services: observed.services.map((status) => ({ ...status, instances: [{ process: id, alive: true }] })),
  };
}

async function aFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function untilListening(port: number): Promise<void> {
  const { processes } = aMachine('/tmp');
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await processes.listeners(port)).listening) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`nothing listens on ${port}`);
}

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe('a validation of the sample platform', () => {
  let found: FoundBaseline = { status: 'missing', environment: 'local', isOwn: true };

  it('passes the first version, from which the baseline is recorded', async () => {
    const observed = await aNavigator('v1');

    const { reason, findings } = await validate([observed], found);
    const subject = { environment: 'local', release: 'r-1', version: 'v1', secretValues: SECRETS };
    const baseline = await recordBaseline(planChecks(observed), subject, observed);
    found = { status: 'found', where: 'target', baseline };

    expect(findings.filter(({ outcome }) => !['pass', 'skipped'].includes(outcome))).toEqual([]);
    expect(reason).toBe('validated');
    expect(Object.keys(baseline.checks)).toContain('policies-are-listed');
  });

  it.each([
    { name: 'the next good version', fault: undefined, reason: 'validated', failed: [] },
    {
      name: 'a version with one broken endpoint',
      fault: 'errors-on-one-endpoint',
      reason: 'check-failed',
      failed: ['policies-are-listed'],
    },
    {
      name: 'a version with a slow endpoint',
      fault: 'slow-endpoint',
      reason: 'check-failed',
      failed: ['latency:policies-are-listed'],
    },
    {
      name: 'a version that lets customers do too much',
      fault: 'wrong-role-check',
      reason: 'check-failed',
      failed: ['customers-see-only-their-own'],
    },
    {
      name: 'a healthy version in which nobody can log in',
      fault: 'nobody-can-log-in',
      reason: 'check-failed',
      failed: ['login:customer', 'login:clerk', 'login-works'],
    },
    {
      name: 'a version that is never ready',
      fault: 'never-ready',
      reason: 'check-failed',
      failed: ['health:api'],
    },
  ])('judges $name', async ({ fault, reason, failed }) => {
    const observed = await aNavigator('v2', fault);

    const validated = await validate([observed], found);

    const failing = validated.findings.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check);
    expect(failing).toEqual(expect.arrayContaining(failed));
    if (failed.length === 0) expect(failing).toEqual([]);
    expect(validated.reason).toBe(reason);
  });
});
