import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Interrupted } from '../../src/core/errors.ts';
import type { Machine } from '../../src/machines/machine.ts';
import type { Processes, RunOptions } from '../../src/platform/processes.ts';
import { aFolder } from '../support/machine.ts';

const PATH = '/usr/bin:/bin';
const NEVER = new AbortController().signal;

export function machineProcessesContract(
  name: string,
  make: () => Promise<Machine>,
  end: (machine: Machine) => Promise<void>,
): void {
  describe(`${name} keeps the promises of a machine: processes`, () => {
    let machine: Machine;
    let processes: Processes;
    let folder: string;
    beforeAll(async () => {
      machine = await make();
      processes = machine.processes;
    });
    afterAll(() => end(machine));
    beforeEach(async () => {
      folder = await aFolder();
    });
    const run = (argv: readonly [string, ...string[]], options: Partial<RunOptions> = {}, env = {}) =>
      processes.run({ argv, env: { PATH, ...env }, cwd: folder }, { timeoutMs: 20_000, ...options }, NEVER);

    it('knows the time and the environment of a login', async () => {
      expect(Math.abs((await machine.now()) - Date.now())).toBeLessThan(5000);
      expect(machine.environment['PATH']).toContain('/bin');
      expect(machine.environment['HOME']).toMatch(/^\//);
      for (const each of Object.keys(machine.environment)) expect(['PATH', 'HOME', 'LANG', 'TZ']).toContain(each);
    });

    it('runs a command in its folder and tells its outputs and its status', async () => {
      const outcome = await run(['sh', '-c', 'pwd; echo oops >&2; exit 3']);

      expect(outcome).toEqual({
        status: 3,
        signal: undefined,
        timedOut: false,
        stdout: `${folder}\n`,
        stderr: 'oops\n',
      });
    });

    it('hands arguments and variables on as they are, and no other variable', async () => {
      const words = ["it's", '$(id)', '`id`', '', ' ', '*', 'a\nb', '\\', '-n', '!!', '日本', '"', '%s', '#', '~'];
      const env = Object.fromEntries(words.map((word, index) => [`WORD_${index}`, word]));

      const printed = await run(['printf', '%s\\0', ...words]);
      const seen = await run(['env', '-0'], {}, env);

      expect(printed.stdout.split('\0').slice(0, -1)).toEqual(words);
      const expected = { PATH, ...env };
      const pairs = seen.stdout.split('\0').slice(0, -1);
      expect(pairs.sort()).toEqual(
        Object.entries(expected)
          .map(([key, value]) => `${key}=${value}`)
          .sort(),
      );
    });

    it.each([0, 1, 127, 126, 255])('tells the status %i of a command as its own', async (status) => {
      expect(await run(['sh', '-c', `exit ${status}`])).toMatchObject({ status, signal: undefined });
    });

    it('tells the signal that ended a command', async () => {
      expect(await run(['sh', '-c', 'kill -9 $$'])).toMatchObject({ status: undefined, signal: 'SIGKILL', stderr: '' });
    });

    it('says when the program or the folder is missing, or the file is no program', async () => {
      await writeFile(join(folder, 'text'), 'not a program');
      await expect(run(['no-such-program'])).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(run([join(folder, 'text')])).rejects.toMatchObject({ code: 'EACCES' });
      const elsewhere = { argv: ['true'] as const, env: { PATH }, cwd: join(folder, 'missing') };
      await expect(processes.run(elsewhere, { timeoutMs: 5000 }, NEVER)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('gives no input, or exactly what it was given', async () => {
      const content = randomBytes(2_000_000);

      expect((await run(['cat'])).stdout).toBe('');
      const out = new PassThrough();
      const [outcome, back] = await Promise.all([
        run(['cat'], { stdin: Readable.from([content.subarray(0, 7), content.subarray(7)]), stdout: out }),
        buffer(out),
      ]);

      expect(outcome.status).toBe(0);
      expect(Buffer.compare(back, content)).toBe(0);
    });

    it('does not mind a command that ends before it has read its input', async () => {
      const endless = Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65_536);
        })(),
      );

      expect(await run(['sh', '-c', 'head -c 3 >/dev/null; exit 5'], { stdin: endless })).toMatchObject({ status: 5 });
      const silent = Readable.from(
        (async function* () {
          yield 'one';
          await new Promise(() => {});
        })(),
      );
      expect(await run(['sh', '-c', 'head -c 3 >/dev/null; exit 6'], { stdin: silent })).toMatchObject({ status: 6 });
    });

    it('fails when the input or the receiver of the output fails', async () => {
      const broken = Readable.from(
        (function* () {
          yield 'half';
          throw new Error('the source broke');
        })(),
      );
      const refusing = new Writable({ write: (_chunk, _encoding, done) => done(new Error('the receiver broke')) });

      await expect(run(['cat'], { stdin: broken })).rejects.toThrow('the source broke');
      await expect(run(['sh', '-c', 'yes | head -c 1000000'], { stdout: refusing })).rejects.toThrow(
        'the receiver broke',
      );
    });

    it('tells lines as they come, and keeps the last of a long output', async () => {
      const lines: string[] = [];

      const outcome = await run(['sh', '-c', 'echo one; echo >&2; echo two >&2; printf three'], {
        onLine: (line) => lines.push(line),
      });
      const long = await run(['sh', '-c', 'yes 0123456 | head -c 400000; echo end']);

      expect(lines.sort()).toEqual(['', 'one', 'three', 'two']);
      expect(outcome.stderr).toBe('\ntwo\n');
      expect(long.stdout).toHaveLength(65_536);
      expect(long.stdout.endsWith('0123456\nend\n')).toBe(true);
    });

    it('ends a command and all that it started when its time is over', async () => {
      const startedAt = performance.now();

      const outcome = await run(['sh', '-c', 'sleep 61.5 & echo $! >child; wait'], { timeoutMs: 700 });

      expect(outcome.timedOut).toBe(true);
      expect(outcome.status).not.toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(6000);
      const child = Number(await readFile(join(folder, 'child'), 'utf8'));
      expect(await processes.identify(child)).toBeUndefined();
    });

    it('ends also a command that does not listen', async () => {
      const outcome = await run(['sh', '-c', 'trap "" TERM; while :; do sleep 0.2; done'], { timeoutMs: 300 });

      expect(outcome).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
    });

    it('ends a command when the run is interrupted', async () => {
      const controller = new AbortController();
      const command = { argv: ['sh', '-c', 'echo $$ >pid; exec sleep 62.5'] as const, env: { PATH }, cwd: folder };

      const running = processes.run(command, { timeoutMs: 60_000 }, controller.signal);
      const failure = expect(running).rejects.toThrow(Interrupted);
      const pid = await untilWritten(join(folder, 'pid'));
      controller.abort();
      await failure;

      expect(await processes.identify(pid)).toBeUndefined();
      await expect(processes.run(command, { timeoutMs: 1 }, controller.signal)).rejects.toThrow(Interrupted);
    });

    it('starts what outlives it: own session, exact environment, outputs in the log, no other descriptor', async () => {
      const script =
        'echo out; echo err >&2; trap "echo asked; exit" INT; for n in 1 2 3; do sleep 0.3; done; sleep 60';
      const ours = await inheritedDescriptors();
      const variables = { PATH, SECRET: "a'b\nc", PWD: '/somewhere' };
      const logFile = join(folder, 'log file');
      const { id } = await processes.startDetached({
        argv: ['sh', '-c', script],
        env: variables,
        cwd: folder,
        logFile,
      });
      try {
        await untilWritten(logFile, /err/);
        expect(await readFile(logFile, 'utf8')).toBe('out\nerr\n');
        expect((await stat(logFile)).mode & 0o777).toBe(0o640);
        expect(await processes.isAlive(id)).toBe(true);
        expect(await processes.identify(id.pid)).toEqual(id);
        expect(await processes.isAlive({ ...id, startTime: `${id.startTime}1` })).toBe(false);
        expect(await processes.environmentOf(id)).toEqual(variables);
        expect(await processes.groupMembers(id)).toContain(id.pid);
        expect(await processes.findByEnvironment('SECRET', "a'b\nc")).toEqual([id]);
        expect(await processes.findByEnvironment('SECRET', 'a')).toEqual([]);
        const look = await run([
          'sh',
          '-c',
          `ls /proc/${id.pid}/fd; readlink /proc/${id.pid}/fd/0; cut -d' ' -f5,6 /proc/${id.pid}/stat`,
        ]);
        const lines = look.stdout.split('\n').filter((line) => !ours.includes(line));
        expect(lines).toEqual(['0', '1', '2', '/dev/null', `${id.pid} ${id.pid}`, '']);
        // A service may be asked to stop by any signal, so none may arrive ignored.
        expect(await processes.signalGroup(id, 'SIGINT')).toBe(true);
        await untilGone(processes, id.pid);
        expect(await readFile(logFile, 'utf8')).toContain('asked');
      } finally {
        await processes.signalGroup(id, 'SIGKILL');
      }
      expect(await processes.isAlive(id)).toBe(false);
      expect(await processes.signalGroup(id, 'SIGTERM')).toBe(false);
      expect(await processes.environmentOf(id)).toEqual({});
    });

    it('counts a whole process group, also when its leader is gone', async () => {
      const logFile = join(folder, 'log');
      const command = {
        argv: ['sh', '-c', 'sleep 63.5 & sleep 63.5 & exit 0'] as const,
        env: { PATH },
        cwd: folder,
        logFile,
      };

      const { id } = await processes.startDetached(command);
      await untilGone(processes, id.pid);

      if (!id.startTime.startsWith('gone')) {
        expect(await processes.groupMembers(id)).toHaveLength(2);
        expect(await processes.signalGroup(id, 'SIGKILL')).toBe(true);
        for (const pid of await processes.groupMembers(id)) await untilGone(processes, pid);
      }
      expect(await processes.groupMembers(id)).toEqual([]);
    });

    it('says when a service cannot be started', async () => {
      const start = (argv: readonly [string, ...string[]], changes = {}) =>
        processes.startDetached({ argv, env: { PATH }, cwd: folder, logFile: join(folder, 'log'), ...changes });
      await writeFile(join(folder, 'text'), 'not a program');

      await expect(start(['no-such-program'])).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(start(['./missing'])).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(start(['./text'])).rejects.toMatchObject({ code: 'EACCES' });
      await expect(start(['true'], { cwd: join(folder, 'missing') })).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(start(['true'], { logFile: join(folder, 'missing/log') })).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('tells who listens on a port', async () => {
      const server = await listening();
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      try {
        expect(await processes.listeners(port)).toEqual({ listening: true, pids: [process.pid] });
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
      expect(await processes.listeners(port)).toEqual({ listening: false, pids: [] });
    });

    it('knows that there is no such process', async () => {
      expect(await processes.identify(2 ** 22 - 3)).toBeUndefined();
      expect(await processes.isAlive({ pid: process.pid, startTime: 'gone:0' })).toBe(false);
    });
  });
}

/** Descriptors above 2 that whoever started the tests left open for everyone. */
async function inheritedDescriptors(): Promise<string[]> {
  const inherited: string[] = [];
  for (const descriptor of await readdir('/proc/self/fdinfo')) {
    const info = await readFile(`/proc/self/fdinfo/${descriptor}`, 'utf8').catch(() => '');
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '', 8);
    if (Number(descriptor) > 2 && (flags & CLOSE_ON_EXEC) === 0) inherited.push(descriptor);
  }
  return inherited;
}

const CLOSE_ON_EXEC = 0o2000000;

async function untilWritten(path: string, what = /\d+\n/): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (what.test(text)) return Number.parseInt(text, 10);
    await sleep(25);
  }
  throw new Error(`${path} was not written`);
}

async function untilGone(processes: Processes, pid: number): Promise<void> {
  for (let tries = 0; tries < 200 && (await processes.identify(pid)) !== undefined; tries += 1) await sleep(25);
}

function listening(): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
