import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import type { HolderConnection } from '../../src/platform/holder-client.ts';
import type { DetachedCommand, ProcessId } from '../../src/platform/processes.ts';
import { aFolder } from '../support/machine.ts';
import { freePort } from '../support/sshd.ts';

/** Answers on each socket that it was given, with the name of it and what it was told. */
const SERVICE = `
const { LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID } = process.env;
const names = LISTEN_FDNAMES.split(':');
for (let index = 0; index < Number(LISTEN_FDS); index += 1) {
  const told = JSON.stringify({ name: names[index], mine: Number(LISTEN_PID) === process.pid, names: Object.keys(process.env).sort() });
  require('node:http').createServer((request, response) => response.end(told)).listen({ fd: 3 + index });
}
`;

/** What the machine promises of its holder of sockets. It shares the file system and the processes of this computer. */
export function machineHolderContract(
  name: string,
  make: () => Promise<Machine>,
  end: (machine: Machine) => Promise<void>,
): void {
  describe(`${name} keeps the promises of a machine: holder of sockets`, () => {
    let machine: Machine;
    let folder: string;
    const started: ProcessId[] = [];
    const open: HolderConnection[] = [];
    beforeAll(async () => {
      machine = await make();
    });
    afterAll(() => end(machine));
    beforeEach(async () => {
      folder = await aFolder();
    });
    afterEach(async () => {
      for (const id of started.splice(0)) await machine.processes.signalGroup(id, 'SIGKILL');
      for (const connection of open.splice(0)) connection.close();
      const left = await machine.holder.connect(folder, { start: false });
      await left?.end();
    });

    const connect = async (at = folder): Promise<HolderConnection> => {
      const connection = await machine.holder.connect(at, { start: true });
      if (connection === undefined) throw new Error('no holder was started');
      open.push(connection);
      return connection;
    };
    const aCommand = (argv: readonly [string, ...string[]]): DetachedCommand => ({
      argv,
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', WORD: "it's $(id)" },
      logFile: join(folder, 'service.log'),
    });
    const start = async (connection: HolderConnection, command: DetachedCommand, sockets: readonly string[]) => {
      const id = await connection.start(command, sockets);
      started.push(id);
      return id;
    };
    const kill = async (connection: HolderConnection) => {
      process.kill(connection.id.pid, 'SIGKILL');
      while (await machine.processes.isAlive(connection.id)) await sleep(5);
    };
    const ask = async (port: number) => (await fetch(`http://127.0.0.1:${port}/`)).json();

    it('finds none where none was started, and is in no way of starting one', async () => {
      expect(await machine.holder.connect(folder, { start: false })).toBeUndefined();
      expect(await machine.holder.connect(join(folder, 'nowhere'), { start: false })).toBeUndefined();
      expect(await machine.holder.obstacle?.()).toBeUndefined();
    });

    it('is found again by every later command, with what it holds', async () => {
      const port = await freePort();
      const first = await connect();
      await first.hold('web.http', '127.0.0.1', port);
      first.close();

      const second = await connect();
      await second.hold('web.http', '127.0.0.1', port);

      expect(second.id).toEqual(first.id);
      expect(await machine.processes.isAlive(second.id)).toBe(true);
      expect(await second.held()).toEqual({ 'web.http': { address: '127.0.0.1', port } });
    });

    it('keeps connections waiting until a service comes, and hands the sockets over in order', async () => {
      const ports = [await freePort(), await freePort()] as const;
      const connection = await connect();
      await connection.hold('web.http', '127.0.0.1', ports[0]);
      await connection.hold('web.metrics', '127.0.0.1', ports[1]);
      const waiting = ask(ports[0]);

      const id = await start(connection, aCommand(['node', '-e', SERVICE]), ['web.http', 'web.metrics']);

      const names = ['LISTEN_FDNAMES', 'LISTEN_FDS', 'LISTEN_PID', 'PATH', 'WORD'];
      expect(await waiting).toEqual({ name: 'web.http', mine: true, names });
      expect(await ask(ports[1])).toEqual({ name: 'web.metrics', mine: true, names });
      expect(await machine.processes.environmentOf(id)).toMatchObject({ WORD: "it's $(id)" });
      expect((await machine.processes.listeners(ports[0])).pids).toContain(id.pid);
      expect(await connection.exit(id)).toBeUndefined();
    });

    it('tells every later command how a service ended, and keeps its output', async () => {
      const connection = await connect();
      const failed = await start(connection, aCommand(['sh', '-c', 'echo "out $WORD"; echo err >&2; exit 7']), []);
      const killed = await start(connection, aCommand(['sh', '-c', 'kill -9 $$']), []);
      while ((await connection.exit(killed)) === undefined || (await connection.exit(failed)) === undefined) {
        await sleep(5);
      }
      connection.close();

      const later = await connect();

      expect(await later.exit(failed)).toEqual({ status: 7 });
      expect(await later.exit(killed)).toEqual({ signal: 'SIGKILL' });
      expect(await readFile(join(folder, 'service.log'), 'utf8')).toBe("out it's $(id)\nerr\n");
    });

    it('says that somebody else has the port', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => other.once('listening', resolve));
      const address = other.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const connection = await connect();

      const holding = connection.hold('web.http', '127.0.0.1', port);

      await expect(holding).rejects.toMatchObject({ name: 'OutsideError', code: 'port-taken' });
      expect(await connection.held()).toEqual({});
      await new Promise((resolve) => other.close(resolve));
    });

    it('lets go of a socket, so that another program can take the port', async () => {
      const port = await freePort();
      const connection = await connect();
      await connection.hold('web.http', '127.0.0.1', port);

      await connection.release('web.http');

      const other = createServer().listen(port, '127.0.0.1');
      await new Promise((resolve, reject) => other.once('listening', resolve).once('error', reject));
      await new Promise((resolve) => other.close(resolve));
      expect(await connection.held()).toEqual({});
    });

    it('ends when it is told to, leaves nothing but its log, and services run on', async () => {
      const port = await freePort();
      const connection = await connect();
      await connection.hold('web.http', '127.0.0.1', port);
      const id = await start(connection, aCommand(['node', '-e', SERVICE]), ['web.http']);
      await ask(port);

      await connection.end();

      expect(await machine.holder.connect(folder, { start: false })).toBeUndefined();
      expect((await readdir(folder)).sort()).toEqual(['holder.log', 'service.log']);
      expect(await machine.processes.isAlive(id)).toBe(true);
      expect(await ask(port)).toMatchObject({ name: 'web.http' });
    });

    it('that was killed is an error with a remedy, and another one is started', async () => {
      const port = await freePort();
      const connection = await connect();
      await connection.hold('web.http', '127.0.0.1', port);

      await kill(connection);

      await expect(connection.held()).rejects.toMatchObject({
        name: 'OutsideError',
        code: 'holder-gone',
        hint: expect.stringContaining('again'),
      });
      expect(await machine.holder.connect(folder, { start: false })).toBeUndefined();
      const next = await connect();
      expect(next.id).not.toEqual(connection.id);
      await expect(next.start(aCommand(['true']), ['web.http'])).rejects.toMatchObject({
        code: 'socket-not-held',
        hint: expect.stringContaining('again'),
      });
      await next.hold('web.http', '127.0.0.1', port);
      expect(await next.held()).toEqual({ 'web.http': { address: '127.0.0.1', port } });
    });

    it('is of its own user alone, and works however deep its folder lies', async () => {
      const deep = join(folder, 'a folder with a long name, '.repeat(5), "and it's $(not) the last");
      await mkdir(deep, { recursive: true });

      const connection = await connect(deep);

      expect((await stat(join(deep, 'holder.sock'))).mode & 0o077).toBe(0);
      for (const name of await readdir(deep)) expect((await stat(join(deep, name))).mode & 0o007).toBe(0);
      expect((await connect(deep)).id).toEqual(connection.id);
      await connection.end();
      expect(await machine.holder.connect(deep, { start: false })).toBeUndefined();
    });

    it('answers many commands at once', async () => {
      const first = await connect();
      const held = async () => {
        const connection = await connect();
        const answer = await connection.held();
        connection.close();
        return [connection.id, answer];
      };

      const answers = await Promise.all(Array.from({ length: 12 }, held));

      expect(answers).toEqual(answers.map(() => [first.id, {}]));
    });
  });
}
