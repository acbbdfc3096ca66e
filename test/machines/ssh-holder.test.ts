import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type SshMachine, sshMachine } from '../../src/machines/ssh/ssh-machine.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { aFolder } from '../support/machine.ts';
import { freePort, type Sshd, startSshd } from '../support/sshd.ts';

const machines: SshMachine[] = [];

async function connectTo({ settings }: Sshd): Promise<SshMachine> {
  const platform = systemPlatform(silentLog(), new AbortController().signal, tmpdir());
  const machine = await sshMachine(settings, platform);
  machines.push(machine);
  return machine;
}

/** A folder for PATH with every program of this computer but node, or with this text as node. */
async function binWithout(node?: string): Promise<string> {
  const bin = join(await aFolder(), 'bin');
  await mkdir(bin);
  for (const name of readdirSync('/usr/bin')) {
    if (!/^node(?:js)?$/.test(name)) await symlink(`/usr/bin/${name}`, join(bin, name));
  }
  if (node !== undefined) {
    await writeFile(join(bin, 'node'), node);
    await chmod(join(bin, 'node'), 0o755);
  }
  return bin;
}

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.close();
});

describe('the holder of sockets on a server', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());

  it('is one file that only its user can read, and shows nobody what a service is given', async () => {
    const folder = await aFolder();
    const machine = await connectTo(sshd);

    const holder = await machine.holder.connect(folder, { start: true });
    const command = { argv: ['sleep', '30'] as const, cwd: '/', env: { PATH: '/usr/bin:/bin', TOKEN: 'f00dfacade' } };
    const id = await holder?.start({ ...command, logFile: join(folder, 'service.log') }, []);

    const names = (await readdir(folder)).filter((name) => name.startsWith('holder-program'));
    expect(names).toEqual([expect.stringMatching(/^holder-program-[0-9a-f]{12}\.mjs$/)]);
    for (const name of names) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    const shown = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(shown).toContain(names[0]);
    expect(shown).not.toContain('f00dfacade');
    if (id !== undefined) await machine.processes.signalGroup(id, 'SIGKILL');
    await holder?.end();
  });

  it('is none any more when it ends between taking a connection and its first answer', async () => {
    const folder = await aFolder();
    const { holder } = await connectTo(sshd);
    const ending = createServer((client) => client.destroy()).listen(join(folder, 'holder.sock'));
    await once(ending, 'listening');

    const found = await holder.connect(folder, { start: false }).finally(() => ending.close());

    expect(found).toBeUndefined();
  });

  it('is told apart from a connection that breaks, and found again after it', async () => {
    const folder = await aFolder();
    const port = await freePort();
    const machine = await connectTo(sshd);
    const holder = await machine.holder.connect(folder, { start: true });
    if (holder === undefined) throw new Error('no holder was started');
    await holder.hold('web.http', '127.0.0.1', port);
    // It cannot answer any more before the connection is gone.
    process.kill(holder.id.pid, 'SIGSTOP');

    const asking = expect(holder.held()).rejects.toMatchObject({ name: 'OutsideError', code: 'connection-lost' });
    for (const pid of await sshd.connections()) process.kill(pid, 'SIGKILL');
    await asking;
    await expect(holder.held()).rejects.toMatchObject({ code: 'connection-lost' });
    process.kill(holder.id.pid, 'SIGCONT');

    const next = await machine.holder.connect(folder, { start: false });
    expect(next?.id).toEqual(holder.id);
    expect(await next?.held()).toEqual({ 'web.http': { address: '127.0.0.1', port } });
    await next?.end();
  });
});

describe('a server whose Node holds no sockets', () => {
  it.each([
    ['has none', undefined, 'there is no program node in its PATH'],
    ['is too old', '#!/bin/sh\necho v18.20.4\n', 'its node is v18.20.4, and 20 or newer is needed'],
  ])('because it %s is known beforehand, and nothing is left there', async (_, node, obstacle) => {
    const folder = await aFolder();
    const sshd = await startSshd([`SetEnv PATH=${await binWithout(node)}`]);
    try {
      const { holder } = await connectTo(sshd);

      expect(await holder.obstacle?.()).toBe(obstacle);
      expect(await holder.connect(folder, { start: false })).toBeUndefined();
      await expect(holder.connect(folder, { start: true })).rejects.toMatchObject({
        name: 'UserError',
        code: 'holder-not-here',
        message: `nothing on 127.0.0.1 can hold the sockets of services between releases: ${obstacle}`,
        hint: expect.stringMatching(/Node 20.*systemd.*strategy/),
      });
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await sshd.stop();
    }
  });

  it('still tells a living holder, which it cannot ask, from what a dead one left', async () => {
    const folder = await aFolder();
    const deep = join(folder, 'x'.repeat(110));
    await mkdir(deep);
    const withNode = await startSshd();
    const without = await startSshd([`SetEnv PATH=${await binWithout()}`]);
    try {
      const first = await connectTo(withNode);
      const { holder } = await connectTo(without);
      for (const each of [folder, deep]) {
        const living = await first.holder.connect(each, { start: true });

        const asking = holder.connect(each, { start: false });

        await expect(asking).rejects.toMatchObject({ code: 'holder-not-here' });
        if (living !== undefined) {
          process.kill(living.id.pid, 'SIGKILL');
          await expect(living.held()).rejects.toMatchObject({ code: 'holder-gone' });
        }
      }

      expect(await holder.connect(folder, { start: false })).toBeUndefined();
      expect(await holder.connect(deep, { start: false })).toBeUndefined();
    } finally {
      await withNode.stop();
      await without.stop();
    }
  });
});
