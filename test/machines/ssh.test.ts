import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createTarPacker } from 'modern-tar';
import { openConnection } from '../../src/machines/ssh/connection.ts';
import { probe } from '../../src/machines/ssh/probe.ts';
import { remoteSqlite } from '../../src/machines/ssh/remote-sqlite.ts';
import type { SshConnection } from '../../src/machines/ssh/settings.ts';
import { type SshMachine, sshMachine } from '../../src/machines/ssh/ssh-machine.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import type { Command, ExitStatus } from '../../src/platform/processes.ts';
import { aFolder } from '../support/machine.ts';
import { freePort, type Sshd, startSshd } from '../support/sshd.ts';

const NEVER = new AbortController().signal;
const PATH = '/usr/bin:/bin';

describe('a machine over ssh', () => {
  let sshd: Sshd;
  const machines: SshMachine[] = [];
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.close();
  });
  afterAll(() => sshd.stop());

  const aPlatform = (temporary = tmpdir()) => systemPlatform(silentLog(), NEVER, temporary);
  const connect = async (changes: Partial<SshConnection> = {}, temporary = tmpdir()): Promise<SshMachine> => {
    const machine = await sshMachine({ ...sshd.settings, ...changes }, aPlatform(temporary));
    machines.push(machine);
    return machine;
  };
  const run = (machine: SshMachine, script: string, timeoutMs = 30_000) =>
    machine.processes.run({ argv: ['sh', '-c', script], env: { PATH } }, { timeoutMs }, NEVER);
  /** Ends every connection on the side of the server, as a power cut would. */
  const cutAll = async () => {
    const pids = await sshd.connections();
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  };

  describe('connecting', () => {
    it('refuses a host that has another key than the configuration says', async () => {
      const connecting = connect({ host_keys: [sshd.foreign.hostKey] });

      await expect(connecting).rejects.toMatchObject({ name: 'UserError', code: 'host-key-refused' });
    });

    it('takes a host that has one of several keys', async () => {
      const machine = await connect({ host_keys: [sshd.foreign.hostKey, ...(sshd.settings.host_keys ?? [])] });

      expect(machine.name).toBe('127.0.0.1');
    });

    it('says that the host does not accept the key', async () => {
      const connecting = connect({ key: sshd.foreign.key });

      await expect(connecting).rejects.toMatchObject({ name: 'UserError', code: 'host-login-refused' });
    });

    it.each(['not a key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----'])(
      'says that a text is no usable key: %j',
      async (key) => {
        await expect(connect({ key })).rejects.toMatchObject({ name: 'UserError', code: 'ssh-key-unusable' });
      },
    );

    it('takes a key that lost its last line feed or gained carriage returns', async () => {
      const machine = await connect({ key: sshd.settings.key?.trim().replaceAll('\n', '\r\n') ?? '' });

      expect((await run(machine, 'echo hi')).stdout).toBe('hi\n');
    });

    it('says that nobody answers', async () => {
      const connecting = connect({ port: await freePort() });

      await expect(connecting).rejects.toMatchObject({ name: 'OutsideError', code: 'host-unreachable' });
    });

    it.each(['with', 'without'])('says that this computer has no ssh, %s a key', async (how) => {
      const platform = aPlatform();
      const identity = { ...platform.identity, environment: { PATH: '/nowhere' } };
      const { key: _, ...withoutKey } = sshd.settings;

      const connecting = sshMachine(how === 'with' ? sshd.settings : withoutKey, { ...platform, identity });

      await expect(connecting).rejects.toMatchObject({ name: 'UserError', code: 'program-missing' });
    });

    it('says that there is no such host', async () => {
      const connecting = connect({ host: 'no-such-host.invalid' });

      await expect(connecting).rejects.toMatchObject({ name: 'OutsideError', code: 'host-unreachable' });
    });

    it('has no private key in any file nor on any command line, and leaves nothing behind', async () => {
      const temporary = await aFolder('holdfast-private-');
      const secret = sshd.settings.key?.split('\n')[2] ?? 'no key';

      const machine = await connect({}, temporary);

      const [folder = ''] = readdirSync(temporary);
      for (const name of readdirSync(join(temporary, folder))) {
        const text = name === 'hosts' ? readFileSync(join(temporary, folder, name), 'utf8') : '';
        expect(text).not.toContain(secret);
      }
      expect(readdirSync(join(temporary, folder)).sort()).toEqual(expect.arrayContaining(['c', 'hosts']));
      expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(secret);
      await machine.close();
      expect(readdirSync(temporary)).toEqual([]);
    });

    it('shows no variable of a command to the other users of the server', async () => {
      const machine = await connect();
      const secret = randomBytes(12).toString('hex');

      const running = machine.processes.run(
        { argv: ['sleep', '1'], env: { PATH, TOKEN: secret } },
        { timeoutMs: 5000 },
        NEVER,
      );
      let seen = '';
      for (let tries = 0; tries < 10; tries += 1) {
        seen += execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
        await sleep(30);
      }

      expect((await running).status).toBe(0);
      expect(seen).toContain('sleep 1');
      expect(seen).not.toContain(secret);
    });

    it('finds a short place for its socket when the folder for temporary files is deep', async () => {
      const deep = join(await aFolder(), 'x'.repeat(90));
      await mkdir(deep);

      const machine = await connect({}, deep);

      expect((await run(machine, 'echo hi')).stdout).toBe('hi\n');
      expect(readdirSync(deep)).toEqual([]);
    });

    it('names all programs that the server lacks, at once', async () => {
      const connection = openConnection(sshd.settings, aPlatform());
      try {
        await expect(probe(connection, ['sh', 'no-such-one', 'tar', 'no-such-two'])).rejects.toMatchObject({
          code: 'programs-missing',
          message: '127.0.0.1 lacks programs that are needed there: no-such-one, no-such-two',
        });
      } finally {
        await connection.close();
      }
    });
  });

  describe('a connection that breaks', () => {
    it('is told apart from a command that failed, and opened again for the next one', async () => {
      const machine = await connect();
      expect(await run(machine, 'exit 255')).toMatchObject({ status: 255 });

      const pidFile = join(await aFolder(), 'pid');
      const running = run(machine, `echo $$ >'${pidFile}'; exec sleep 64.5`);
      const failure = expect(running).rejects.toMatchObject({ name: 'OutsideError', code: 'connection-lost' });
      while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await sleep(10);
      await cutAll();
      await failure;

      expect((await run(machine, 'echo again')).stdout).toBe('again\n');
      expect(await machine.files.list('/nowhere')).toEqual([]);
      // What ran there is not ended by a lost connection.
      process.kill(Number(await readFile(pidFile, 'utf8')));
    });

    it('never makes a file look shorter than it is', async () => {
      const machine = await connect();
      const path = join(await aFolder(), 'large');
      await writeFile(path, Buffer.alloc(40_000_000, 'x'));
      let received = 0;
      const slow = new Writable({
        write(chunk: Buffer, _encoding, done) {
          received += chunk.length;
          setTimeout(done, 5);
        },
      });

      const reading = pipeline(machine.files.openRead(path), slow);
      const failure = expect(reading).rejects.toMatchObject({ code: 'connection-lost' });
      await sleep(400);
      await cutAll();
      await failure;

      expect(received).toBeLessThan(40_000_000);
    });

    it('fails an upload', async () => {
      const machine = await connect();
      const path = join(await aFolder(), 'large');
      async function* endless() {
        for (;;) {
          yield Buffer.alloc(65_536);
          await sleep(2);
        }
      }

      const writing = pipeline(Readable.from(endless()), machine.files.openWrite(path));
      const failure = expect(writing).rejects.toMatchObject({ code: 'connection-lost' });
      await sleep(500);
      await cutAll();
      await failure;
    });

    it('fails every question that waits, and carries requests again after it', async () => {
      const machine = await connect();
      await expect(
        machine.http.request({ url: `http://127.0.0.1:${sshd.port}/`, timeoutMs: 5000 }, NEVER),
      ).rejects.toThrow();

      const questions = [1, 2, 3].map(() => machine.files.status('/'));
      const settled = Promise.allSettled(questions);
      await cutAll();
      for (const each of await settled) {
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'connection-lost' });
      }
      await sleep(100);

      // sshd speaks first and is no HTTP server: an answer came, through a way that was opened anew.
      await expect(
        machine.http.request({ url: `http://127.0.0.1:${sshd.port}/`, timeoutMs: 5000 }, NEVER),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) });
    });

    it('refuses to work after it was closed', async () => {
      const machine = await connect();
      await machine.close();
      await machine.close();

      await expect(machine.files.status('/')).rejects.toMatchObject({ code: 'connection-lost' });
    });
  });

  describe('much at once', () => {
    it('runs twenty commands side by side over one connection', async () => {
      const machine = await connect();

      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => run(machine, `sleep 0.2; echo ${index}; exit ${index}`)),
      );

      expect(outcomes.map(({ stdout }) => stdout)).toEqual(outcomes.map((_, index) => `${index}\n`));
      expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map((_, index) => index));
      expect(await sshd.connections()).toHaveLength(1);
    });

    it('makes do with the few sessions that a server allows', async () => {
      const strict = await startSshd(['MaxSessions 3']);
      const machine = await sshMachine(strict.settings, aPlatform());
      try {
        const work = Array.from({ length: 8 }, async (_, index) => {
          const command = { argv: ['sh', '-c', 'sleep 0.3; cat'] as const, env: { PATH } };
          const stdin = Readable.from([`input ${index}`]);
          return (await machine.processes.run(command, { timeoutMs: 20_000, stdin }, NEVER)).stdout;
        });

        expect(await Promise.all(work)).toEqual(work.map((_, index) => `input ${index}`));
      } finally {
        await machine.close();
        await strict.stop();
      }
    });

    it('says that a server allows too few sessions', async () => {
      const strict = await startSshd(['MaxSessions 1']);
      const machine = await sshMachine(strict.settings, aPlatform());
      try {
        expect((await machine.files.status('/'))?.type).toBe('directory');
        await expect(run(machine, 'true')).rejects.toMatchObject({ code: 'session-refused' });
      } finally {
        await machine.close();
        await strict.stop();
      }
    });

    it('answers small questions while commands run', async () => {
      const machine = await connect();
      const running = Promise.all([1, 2, 3].map(() => run(machine, 'sleep 1')));

      const startedAt = performance.now();
      for (let count = 0; count < 20; count += 1) await machine.files.status('/');
      expect(performance.now() - startedAt).toBeLessThan(1000);

      await running;
    });

    it('moves 50 MB up and down without holding them in memory', async () => {
      const machine = await connect();
      const path = join(await aFolder(), 'large');
      const piece = randomBytes(1_000_000);
      const sent = createHash('sha256');
      const pieces = function* () {
        for (let count = 0; count < 50; count += 1) {
          sent.update(piece);
          yield piece;
        }
      };
      let mostHeld = 0;
      const watch = setInterval(() => {
        mostHeld = Math.max(mostHeld, process.memoryUsage().arrayBuffers);
      }, 5);
      const before = process.memoryUsage().arrayBuffers;

      await pipeline(Readable.from(pieces()), machine.files.openWrite(path));
      const received = createHash('sha256');
      const slow = new Writable({
        write(chunk: Buffer, _encoding, done) {
          received.update(chunk);
          setTimeout(done, 0.2);
        },
      });
      await pipeline(machine.files.openRead(path), slow);
      clearInterval(watch);

      const digest = sent.digest('hex');
      expect(received.digest('hex')).toBe(digest);
      expect(
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      ).toBe(digest);
      expect(mostHeld - before).toBeLessThan(30_000_000);
    });
  });

  it('unpacks a whole tree at once, with modes and links, and over nothing', async () => {
    const machine = await connect();
    const folder = await aFolder();
    const archive = () => {
      const { readable, controller } = createTarPacker();
      const pack = async () => {
        for (let count = 0; count < 300; count += 1) {
          const writer = controller
            .add({ name: `many/file ${count}\n'`, type: 'file', size: 4, mode: 0o640, uid: 12, gid: 34 })
            .getWriter();
          await writer.write(Buffer.from('text'));
          await writer.close();
        }
        await controller.add({ name: 'link', type: 'symlink', size: 0, linkname: 'many' }).close();
        controller.finalize();
      };
      pack().catch((error: unknown) => controller.error(error));
      return Readable.fromWeb(readable);
    };
    if (machine.files.unpack === undefined) throw new Error('this machine cannot unpack');

    await machine.files.unpack(archive(), folder);

    expect(await machine.files.list(`${folder}/many`)).toHaveLength(300);
    expect(await readFile(`${folder}/many/file 7\n'`, 'utf8')).toBe('text');
    expect(await machine.files.status(`${folder}/many/file 7\n'`)).toMatchObject({ mode: 0o640, uid: 0 });
    expect(await machine.files.readLink(`${folder}/link`)).toBe('many');
    await expect(machine.files.unpack(archive(), folder)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(machine.files.unpack(archive(), `${folder}/missing`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(machine.files.unpack(Readable.from(['no archive']), folder)).rejects.toThrow(/unpacking into/);
  });

  it('says that a name is not Unicode instead of naming another file', async () => {
    const machine = await connect();
    const folder = await aFolder();
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0xff])]), '');

    await expect(machine.files.list(folder)).rejects.toMatchObject({ code: 'EILSEQ' });
    await expect(machine.files.read(`${folder}/\ud800`)).rejects.toThrow(TypeError);
  });

  it('opens a terminal with the folder, the arguments and the environment of a command, and tells its status', async () => {
    const folder = await aFolder();
    const platform = aPlatform();
    let said = '';
    // The terminal of this test is a pipe.
    const attach = async ({ argv, env }: Command): Promise<ExitStatus> => {
      const [program, ...args] = argv;
      const { status, stdout } = spawnSync(program, args, { env, encoding: 'utf8' });
      said = stdout;
      return { status: status ?? undefined, signal: undefined };
    };
    const machine = await sshMachine(sshd.settings, { ...platform, processes: { ...platform.processes, attach } });
    machines.push(machine);

    const argv = ['sh', '-c', 'pwd; echo "$WORD-$1"; exit 7', 'sh', 'a  "b"'] as const;
    const ended = await machine.processes.attach({ argv, env: { PATH, WORD: "it's" }, cwd: folder });

    expect(ended).toEqual({ status: 7, signal: undefined });
    expect(said.replaceAll('\r', '')).toBe(`${folder}\nit's-a  "b"\n`);
  });

  it('uses the agent of the user where the configuration names no key', async () => {
    const socket = join(await aFolder(), 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      const env = { PATH, SSH_AUTH_SOCK: socket };
      for (let tries = 0; tries < 100 && !existsSync(socket); tries += 1) await sleep(20);
      execFileSync('ssh-add', ['-q', '-'], { input: `${sshd.settings.key}\n`, env, stdio: 'pipe' });
      const { key: _, ...settings } = sshd.settings;
      const platform = aPlatform();

      const machine = await sshMachine(settings, {
        ...platform,
        identity: { ...platform.identity, agentSocket: socket },
      });
      machines.push(machine);

      expect((await run(machine, 'echo hi')).stdout).toBe('hi\n');
    } finally {
      agent.kill();
    }
  });

  it('names the program that its databases need', async () => {
    const bin = join(await aFolder(), 'bin');
    await mkdir(bin);
    for (const name of readdirSync('/usr/bin')) {
      if (name !== 'sqlite3') await symlink(`/usr/bin/${name}`, join(bin, name));
    }
    const connection = openConnection(sshd.settings, aPlatform());
    // The server's PATH without that one program.
    const bare = { ...connection, ask: (script: string) => connection.ask(`PATH=${bin}; ${script}`) };
    try {
      await expect(remoteSqlite(bare).query('/a.db', 'SELECT 1')).rejects.toMatchObject({
        code: 'program-missing',
        message: '127.0.0.1 has no program sqlite3, which its databases need',
      });
    } finally {
      await connection.close();
    }
  });
});
