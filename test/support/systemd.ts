import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  parseEnvironmentFile,
  parseUnit,
  replaceDollars,
  replaceSpecifiers,
  splitCommand,
  type UnitFile,
} from './unit-file.ts';

/**
 * A stand-in for systemd and its systemctl(1), for computers that were not started with systemd. It imitates, and refuses
 * like the original: loading of units and what daemon-reload does (systemd.unit(5)); services of the types exec and
 * oneshot with environment, restart, start limit and stop (systemd.service(5), systemd.exec(5), systemd.kill(5)); sockets
 * that are bound, listened on, handed over by Sockets= and not started beside their service (systemd.socket(5)).
 * Not imitated: start on traffic; so it says in `hazards` when traffic would have started something.
 */
export interface FakeSystemd {
  /** Stands first in PATH. */
  readonly bin: string;
  readonly unitFolder: string;
  /** What was asked of it, without options. */
  readonly asked: string[];
  /** Moments in which the original would have done what nobody wants. */
  readonly hazards: string[];
  /** What `is-system-running` says. */
  state: string;
  /** Units that would start with the computer. */
  enabled(): string[];
  activeUnits(): string[];
  /** Ends all that it started. */
  end(): Promise<void>;
}

interface Loaded {
  readonly file: UnitFile;
  readonly text: string;
}

interface Unit {
  loaded?: Loaded;
  active: 'inactive' | 'activating' | 'active' | 'failed' | 'deactivating';
  result: string;
  mainPid: number;
  lastPid: number;
  exitCode: number;
  exitStatus: number;
  starts: number[];
  ended?: Promise<void>;
  restart?: NodeJS.Timeout;
  fd?: { readonly fd: number; close(): void };
}

/** What the manager of the computer gives to every service. */
const OF_MANAGER = {
  LANG: 'xx_XX.UTF-8',
  PATH: '/systemd/bin',
  INVOCATION_ID: 'f00',
  SYSTEMD_EXEC_PID: '1',
  EXTRA: 'x',
};
const SIGNALS: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15, SIGSEGV: 11, SIGINT: 2 };

export async function startFakeSystemd(): Promise<FakeSystemd> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-systemd-'));
  const unitFolder = join(root, 'units');
  const bin = join(root, 'bin');
  const wants = join(root, 'wants');
  for (const folder of [unitFolder, bin, wants]) mkdirSync(folder);
  const units = new Map<string, Unit>();
  const fake: FakeSystemd = {
    ...{ bin, unitFolder, asked: [], hazards: [], state: 'running' },
    enabled: () => execFileSync('ls', [wants], { encoding: 'utf8' }).split('\n').filter(Boolean),
    activeUnits: () =>
      [...units]
        .filter(([, { active }]) => active === 'active')
        .map(([name]) => name)
        .sort(),
    async end() {
      for (const [name, unit] of units) {
        clearTimeout(unit.restart);
        if (name.endsWith('.socket')) unit.fd?.close();
        if (unit.mainPid !== 0) kill(unit.mainPid, 'SIGKILL');
        await unit.ended;
      }
      await new Promise((resolve) => server.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };

  const pathOf = (name: string) => join(unitFolder, name);
  const unitOf = (name: string): Unit => {
    const known = units.get(name);
    const unit: Unit = known ?? {
      ...{ active: 'inactive', result: 'success', mainPid: 0, lastPid: 0, exitCode: 0, exitStatus: 0, starts: [] },
    };
    units.set(name, unit);
    if (unit.loaded === undefined && existsSync(pathOf(name))) load(name, unit);
    return unit;
  };
  const load = (name: string, unit: Unit) => {
    const text = readFileSync(pathOf(name), 'utf8');
    unit.loaded = { text, file: parseUnit(text) };
  };
  const needsReload = (name: string, { loaded }: Unit) =>
    loaded !== undefined && (!existsSync(pathOf(name)) || readFileSync(pathOf(name), 'utf8') !== loaded.text);

  function show(names: readonly string[]): string {
    const blocks = names.map((name) => {
      const unit = unitOf(name);
      const { active, result, mainPid, lastPid, exitCode, exitStatus } = unit;
      return `Id=${name}\nMainPID=${mainPid}\nExecMainPID=${lastPid}\nExecMainCode=${exitCode}\nExecMainStatus=${exitStatus}\nResult=${result}\nActiveState=${active}\nNeedDaemonReload=${needsReload(name, unit) ? 'yes' : 'no'}\n`;
    });
    return blocks.join('\n');
  }

  async function start(name: string): Promise<string | undefined> {
    const unit = unitOf(name);
    if (unit.loaded === undefined) return `Failed to start ${name}: Unit ${name} not found.`;
    if (unit.active === 'active') return undefined;
    for (const needed of unit.loaded.file.list('Unit', 'Requires')) {
      const refused = await start(needed);
      if (refused !== undefined) return `A dependency job for ${name} failed.`;
    }
    if (name.endsWith('.socket')) return startSocket(name, unit, unit.loaded.file);
    for (const socket of unit.loaded.file.list('Service', 'Sockets')) await start(socket);
    const interval = Number.parseInt(unit.loaded.file.get('Unit', 'StartLimitIntervalSec') ?? '10', 10) * 1000;
    unit.starts = unit.starts.filter((at) => at > Date.now() - interval);
    if (interval > 0 && unit.starts.length >= Number(unit.loaded.file.get('Unit', 'StartLimitBurst') ?? '5')) {
      Object.assign(unit, { active: 'failed', result: 'start-limit-hit' });
      return `Job for ${name} failed: start request repeated too quickly.`;
    }
    unit.starts.push(Date.now());
    if (unit.loaded.file.get('Service', 'Type') === 'oneshot') {
      unit.active = 'active';
      return undefined;
    }
    return run(name, unit, unit.loaded.file);
  }

  function startSocket(name: string, unit: Unit, file: UnitFile): string | undefined {
    const service = unitOf(file.get('Socket', 'Service') ?? name.replace(/socket$/, 'service'));
    if (service.loaded === undefined) return `Failed to start ${name}: its service is not loaded.`;
    if (service.active === 'active') return `Job for ${name} failed: Socket service already active, refusing.`;
    const [, address = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(file.get('Socket', 'ListenStream') ?? '') ?? [];
    const create: unknown = Reflect.get(net, '_createServerHandle');
    const handle = typeof create === 'function' ? create(address, Number(port), net.isIPv6(address) ? 6 : 4) : -1;
    const listened =
      typeof handle === 'object' &&
      spawnSync(
        process.execPath,
        [
          '-e',
          "require('net').createServer().listen({ fd: 3 }, () => process.kill(process.pid, 9)).on('error', () => process.exit(1))",
        ],
        {
          stdio: ['ignore', 'ignore', 'ignore', handle.fd],
        },
      ).signal === 'SIGKILL';
    if (!listened) {
      Object.assign(unit, { active: 'failed', result: 'resources' });
      return `Job for ${name} failed: Failed to create listening socket (${address}:${port}): Address already in use`;
    }
    Object.assign(unit, { active: 'active', result: 'success', fd: handle });
    return undefined;
  }

  function environmentOf(file: UnitFile, sockets: readonly string[]): Record<string, string> {
    const variables: Record<string, string> = { ...OF_MANAGER };
    const path = file.get('Service', 'EnvironmentFile');
    if (path !== undefined) {
      const name = replaceSpecifiers(path).replace(/\\(.)/g, '$1');
      if ((statSync(name).mode & 0o077) !== 0) throw new Error(`everybody may read ${name}`);
      Object.assign(variables, parseEnvironmentFile(readFileSync(name, 'utf8')));
    }
    for (const withheld of file.list('Service', 'UnsetEnvironment')) delete variables[withheld];
    if (sockets.length > 0) {
      const names = sockets.map((socket) => unitOf(socket).loaded?.file.get('Socket', 'FileDescriptorName') ?? '');
      Object.assign(variables, { LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: names.join(':') });
    }
    return variables;
  }

  function run(name: string, unit: Unit, file: UnitFile): string | undefined {
    const argv = splitCommand(file.get('Service', 'ExecStart') ?? '').map(replaceDollars);
    const sockets = file.list('Service', 'Sockets').filter((socket) => unitOf(socket).active === 'active');
    const output = replaceSpecifiers(file.get('Service', 'StandardOutput') ?? '').replace(/^append:/, '');
    const user = file.get('Service', 'User');
    const id = (flag: string) => Number(execFileSync('id', [flag, '--', user ?? ''], { encoding: 'utf8' }));
    const log = openSync(output, 'a');
    // As in the original, LISTEN_PID is the number of the very process that becomes the service.
    const script = sockets.length > 0 ? 'LISTEN_PID=$$ exec "$@"' : 'exec "$@"';
    const child = spawn('/bin/sh', ['-c', `unset PWD OLDPWD SHLVL; ${script}`, 'sh', ...argv], {
      cwd: replaceSpecifiers(file.get('Service', 'WorkingDirectory') ?? '/'),
      env: environmentOf(file, sockets),
      stdio: ['ignore', log, log, ...sockets.map((socket) => unitOf(socket).fd?.fd ?? ('ignore' as const))],
      detached: true,
      ...(user === undefined ? {} : { uid: id('-u'), gid: id('-g') }),
    });
    closeSync(log);
    const pid = child.pid ?? 0;
    Object.assign(unit, {
      active: 'active',
      result: 'success',
      mainPid: pid,
      lastPid: pid,
      exitCode: 0,
      exitStatus: 0,
    });
    unit.ended = new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        const clean = status === 0 || unit.active === 'deactivating';
        Object.assign(unit, {
          mainPid: 0,
          exitCode: status === null ? 2 : 1,
          exitStatus: status ?? SIGNALS[signal ?? ''],
        });
        if (unit.active !== 'deactivating') {
          kill(pid, 'SIGKILL');
          unit.active = clean ? 'inactive' : 'failed';
          unit.result = clean ? 'success' : status === null ? 'signal' : 'exit-code';
          if (!clean && file.get('Service', 'Restart') === 'on-failure') {
            unit.active = 'activating';
            const delayMs = Number.parseInt(file.get('Service', 'RestartSec') ?? '0', 10) * 1000;
            unit.restart = setTimeout(() => {
              unit.active = 'inactive';
              void start(name);
            }, delayMs);
          }
          lookForHazards(sockets);
        }
        resolve();
      });
    });
    return undefined;
  }

  /** A socket that is open while neither its gate nor a service runs would start something on the next connection. */
  function lookForHazards(sockets: readonly string[]): void {
    for (const socket of sockets) {
      const gate = unitOf(socket).loaded?.file.get('Socket', 'Service');
      const open = unitOf(socket).active === 'active';
      if (open && (gate === undefined || unitOf(gate).active !== 'active')) {
        fake.hazards.push(`a connection to ${socket} would start ${gate}`);
      }
    }
  }

  async function stop(name: string): Promise<string | undefined> {
    const unit = unitOf(name);
    if (unit.loaded === undefined && unit.active === 'inactive')
      return `Failed to stop ${name}: Unit ${name} not loaded.`;
    clearTimeout(unit.restart);
    if (name.endsWith('.socket')) {
      for (const [other, { loaded, active }] of units) {
        if (active === 'active' && loaded?.file.list('Unit', 'Requires').includes(name)) await stop(other);
      }
      unit.fd?.close();
      delete unit.fd;
    }
    if (unit.mainPid !== 0) {
      unit.active = 'deactivating';
      const group = unit.mainPid;
      const file = unit.loaded?.file;
      const timeoutMs = Number.parseInt(file?.get('Service', 'TimeoutStopSec') ?? '90000', 10);
      kill(group, file?.get('Service', 'KillSignal') ?? 'SIGTERM');
      const timer = setTimeout(() => {
        unit.result = 'timeout';
        kill(group, 'SIGKILL');
      }, timeoutMs);
      await unit.ended;
      clearTimeout(timer);
      // Like the control group, nothing of it is left.
      kill(group, 'SIGKILL');
      lookForHazards(file?.list('Service', 'Sockets') ?? []);
    }
    unit.active = unit.result === 'success' ? 'inactive' : 'failed';
    return undefined;
  }

  async function answer(argv: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const words = argv.filter((argument) => !argument.startsWith('-'));
    const [verb = '', ...names] = words;
    if (fake.state === 'offline' && verb !== 'is-system-running') {
      return {
        status: 1,
        stdout: '',
        stderr: "System has not been booted with systemd as init system (PID 1). Can't operate.\n",
      };
    }
    if (!['show', 'show-environment', 'is-system-running'].includes(verb)) fake.asked.push(words.join(' '));
    const failures: string[] = [];
    const each = async (act: (name: string) => Promise<string | undefined> | string | undefined) => {
      for (const name of names) {
        const refused = await act(name);
        if (refused !== undefined) failures.push(refused);
      }
    };
    let stdout = '';
    switch (verb) {
      case 'is-system-running':
        return { status: fake.state === 'running' ? 0 : 1, stdout: `${fake.state}\n`, stderr: '' };
      case 'show-environment':
        stdout = 'EXTRA=x\nLANG=xx_XX.UTF-8\n';
        break;
      case 'show':
        stdout = show(names);
        break;
      case 'daemon-reload':
        for (const [name, unit] of units) {
          if (existsSync(pathOf(name))) load(name, unit);
          else delete unit.loaded;
        }
        break;
      case 'enable':
      case 'disable':
        await each((name) => {
          if (!existsSync(pathOf(name))) return `Failed to ${verb} unit: Unit file ${name} does not exist.`;
          if (verb === 'disable') rmSync(join(wants, name), { force: true });
          else if (!existsSync(join(wants, name))) symlinkSync(pathOf(name), join(wants, name));
          return undefined;
        });
        break;
      case 'start':
        await each(async (name) => {
          if (needsReload(name, unitOf(name))) return `${name} changed on disk; run daemon-reload first.`;
          return start(name);
        });
        break;
      case 'stop':
        await each(stop);
        break;
      case 'reset-failed':
        await each((name) => {
          const unit = unitOf(name);
          if (unit.loaded === undefined && unit.active === 'inactive') return `Unit ${name} not loaded.`;
          unit.starts = [];
          if (unit.active === 'failed') Object.assign(unit, { active: 'inactive', result: 'success' });
          return undefined;
        });
        break;
      default:
        failures.push(`Unknown command verb ${verb}.`);
    }
    return { status: failures.length > 0 ? 1 : 0, stdout, stderr: failures.map((line) => `${line}\n`).join('') };
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(JSON.stringify(await answer(JSON.parse(Buffer.concat(chunks).toString()))));
  });
  const control = join(root, 'control');
  await new Promise<void>((resolve) => server.listen(control, resolve));
  writeFileSync(join(bin, 'systemctl'), client(control), { mode: 0o755 });
  return fake;
}

/** The program that stands in PATH: hands its arguments over and says what it is told. */
function client(control: string): string {
  return `#!${process.execPath}
const request = require('node:http').request({ socketPath: ${JSON.stringify(control)}, method: 'POST', agent: false }, async (response) => {
  let text = '';
  for await (const chunk of response) text += chunk;
  const { status, stdout, stderr } = JSON.parse(text);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = status;
});
request.end(JSON.stringify(process.argv.slice(2)));
`;
}

function kill(group: number, signal: string): void {
  spawnSync('/bin/kill', ['-s', signal.replace(/^SIG/, ''), '--', `-${group}`], { stdio: 'ignore' });
}
