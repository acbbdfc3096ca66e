import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { migrationSteps } from '../../src/deploy/migrate.ts';
import { localMachine } from '../../src/machines/local.ts';
import type { Machine } from '../../src/machines/machine.ts';
import { sshMachine } from '../../src/machines/ssh/ssh-machine.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { createFolders } from '../../src/targets/directory/book.ts';
import { directoryInstances, type Startable } from '../../src/targets/directory/instances.ts';
import { type Layout, layoutOf } from '../../src/targets/directory/layout.ts';
import { findSwitch, serviceCommand } from '../../src/targets/directory/service-command.ts';
import { ServiceSettings } from '../../src/targets/settings.ts';
import { aFolder } from '../support/machine.ts';
import { startSshd } from '../support/sshd.ts';

const { signal } = new AbortController();
const platform = systemPlatform(silentLog(), signal, tmpdir());
const local = localMachine(platform);
const closing: (() => Promise<void>)[] = [];

async function overSsh(): Promise<Machine> {
  const sshd = await startSshd();
  const machine = await sshMachine(sshd.settings, platform);
  closing.push(async () => {
    await machine.close();
    await sshd.stop();
  });
  return machine;
}

afterAll(async () => {
  for (const close of closing.splice(0)) await close();
});

let layout: Layout;

beforeEach(async () => {
  const root = await aFolder();
  await chmod(root, 0o755);
  layout = layoutOf(root);
  await createFolders(layout, local);
});

async function aService(run: object, more: object = {}): Promise<Startable> {
  await mkdir(layout.service('r-1', 'web'), { recursive: true });
  await mkdir(join(layout.shared('web'), 'data'), { recursive: true });
  await writeFile(join(layout.shared('web'), 'data/older'), 'of somebody else');
  const settings = ServiceSettings.parse({
    artifact: './build',
    run: { command: ['server'], supervisor: 'systemd', ...run },
    env: { GREETING: "it's $(id)" },
    shared: ['data'],
    ...more,
  });
  return { service: 'web', release: 'r-1', version: 'v1', settings };
}

function partsOn(machine: Machine) {
  const instances = directoryInstances(layout, machine, async () => {});
  return { layout, machine, instances, signal };
}

async function runOn(machine: Machine, startable: Startable, argv: readonly [string, ...string[]]) {
  const parts = partsOn(machine);
  return machine.processes.run(await serviceCommand(startable, argv, parts), { timeoutMs: 20_000 }, signal);
}

const nobody = spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' });
const asRoot = userInfo().uid === 0 && nobody.status === 0 ? describe : describe.skip;

asRoot.each([
  ['this computer', async () => local],
  ['a computer over ssh', overSsh],
])('a command of a service that runs as another user, on %s', (_, connect) => {
  let machine: Machine | undefined;
  const connected = async () => {
    machine ??= await connect();
    return machine;
  };

  it('runs as that user alone, in the folder of the release', async () => {
    const startable = await aService({ user: 'nobody' });

    const ended = await runOn(await connected(), startable, [
      'sh',
      '-c',
      'id -un; id -Gn; pwd; grep CapEff /proc/$$/status',
    ]);

    expect(ended).toMatchObject({ status: 0, stderr: '' });
    const groups = spawnSync('id', ['-Gn', 'nobody'], { encoding: 'utf8' }).stdout.trim();
    expect(ended.stdout.split('\n').slice(0, 3)).toEqual(['nobody', groups, layout.service('r-1', 'web')]);
    expect(ended.stdout).toMatch(/CapEff:\t0+\n/);
  });

  it('has the environment of the service with a home of its own, and arguments as they are', async () => {
    const startable = await aService({ user: 'nobody' });
    const on = await connected();
    const words = ["it's", '$(id)', '', '--', '-u', 'a\nb'];

    const variables = await runOn(on, startable, ['env', '-0']);
    const printed = await runOn(on, startable, ['printf', '%s\\0', ...words]);

    const home = spawnSync('getent', ['passwd', 'nobody'], { encoding: 'utf8' }).stdout.split(':')[5];
    const expected = { ...partsOn(on).instances.environmentOf(startable), HOME: home };
    const seen = variables.stdout.split('\0').slice(0, -1).sort();
    expect(seen).toEqual(
      Object.entries(expected)
        .map(([name, value]) => `${name}=${value}`)
        .sort(),
    );
    expect(seen).toContain("GREETING=it's $(id)");
    expect(printed.stdout.split('\0').slice(0, -1)).toEqual(words);
  });

  it('tells its own status and the signal that ended it, and ends in time', async () => {
    const startable = await aService({ user: 'nobody' });
    const on = await connected();

    expect(await runOn(on, startable, ['sh', '-c', 'exit 3'])).toMatchObject({ status: 3 });
    expect(await runOn(on, startable, ['sh', '-c', 'kill -9 $$'])).toMatchObject({ signal: 'SIGKILL' });
    const command = await serviceCommand(startable, ['sleep', '30'], partsOn(on));
    const late = await on.processes.run(command, { timeoutMs: 200 }, signal);
    expect(late).toMatchObject({ timedOut: true });
  });

  it('writes to its shared folders, whose older files keep their owner', async () => {
    const migrate = { command: ['sh', '-c', 'echo new >"$HOLDFAST_SHARED/data/newer"'] };
    const startable = await aService({ user: 'nobody' }, { migrate });
    const on = await connected();

    const [step] = migrationSteps([startable], { ...partsOn(on), platform });
    const result = await step?.run({ progress() {}, note() {} });

    const owner = async (path: string) => (await stat(join(layout.shared('web'), path))).uid;
    expect(result).toEqual({ outcome: 'done' });
    expect(await readFile(join(layout.shared('web'), 'data/newer'), 'utf8')).toBe('new\n');
    const uid = Number(nobody.stdout);
    expect([await owner('.'), await owner('data'), await owner('data/newer')]).toEqual([uid, uid, uid]);
    expect(await owner('data/older')).toBe(0);
  });
});

asRoot('the program that makes a command run as another user', () => {
  const without: Machine = {
    ...local,
    processes: {
      ...local.processes,
      async run(command, options, until) {
        const ended = await local.processes.run(command, options, until);
        return command.argv.some((word) => word.includes('setpriv')) ? { ...ended, status: 1, stdout: '' } : ended;
      },
    },
  };

  it('is setpriv, or else runuser, which changes nothing for the command', async () => {
    const bin = await aFolder();
    await chmod(bin, 0o755);
    await writeFile(join(bin, 'setpriv'), '#!/bin/sh\necho "setpriv: unrecognized option: help"\n', { mode: 0o755 });
    const old = { ...local, environment: { ...local.environment, PATH: `${bin}:${local.environment['PATH']}` } };
    const startable = await aService({ user: 'nobody' });

    expect(await findSwitch(local, signal)).toMatchObject({ kind: 'setpriv' });
    expect(await findSwitch(old, signal)).toMatchObject({ kind: 'runuser' });
    const ended = await runOn(old, startable, ['sh', '-c', 'id -un; env -0']);

    const expected = partsOn(old).instances.environmentOf(startable);
    const names = ended.stdout
      .split('\n')
      .slice(1)
      .join('\n')
      .split('\0')
      .map((pair) => pair.split('=')[0]);
    expect(ended.stdout.split('\n')[0]).toBe('nobody');
    expect(names.filter((name) => name !== '' && name !== 'PWD').sort()).toEqual(Object.keys(expected).sort());
  });

  it('is named when there is none', async () => {
    const startable = await aService({ user: 'nobody' });

    await expect(serviceCommand(startable, ['true'], partsOn(without))).rejects.toMatchObject({
      name: 'UserError',
      code: 'program-missing',
      message: 'local has no program setpriv or runuser, which commands of web need to run as its user',
      hint: expect.stringContaining('util-linux'),
    });
  });

  it('is not asked for where the service runs as the one who releases, or names no user', async () => {
    for (const user of [undefined, userInfo().username]) {
      const startable = await aService(user === undefined ? {} : { user });

      const command = await serviceCommand(startable, ['true'], partsOn(without));

      const env = partsOn(local).instances.environmentOf(startable);
      expect(command).toEqual({ argv: ['true'], cwd: layout.service('r-1', 'web'), env });
    }
  });

  it('cannot help with a user that the machine does not have', async () => {
    const startable = await aService({ user: 'nobody-of-that-name' });

    await expect(serviceCommand(startable, ['true'], partsOn(local))).rejects.toMatchObject({
      name: 'UserError',
      code: 'user-unknown',
    });
  });
});
