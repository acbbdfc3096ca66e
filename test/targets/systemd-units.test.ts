import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseStates } from '../../src/targets/systemd/manager.ts';
import {
  environmentFile,
  isUnitPath,
  quotePattern,
  quoteWord,
  unfitVariables,
} from '../../src/targets/systemd/quote.ts';
import { gateUnit, isUnitOf, type ServiceUnit, serviceUnit, socketUnit } from '../../src/targets/systemd/units.ts';
import { parseEnvironmentFile, parseUnit, replaceDollars, splitCommand } from '../support/unit-file.ts';

const run = promisify(execFile);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-units-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function aServiceUnit(changes: Partial<ServiceUnit> = {}): ServiceUnit {
  return {
    scope: 'system',
    description: 'web of shop in production, v2',
    target: 'f00d',
    command: ['node', 'server.js', '--title', '50% of "$HOME"'],
    directory: '/srv/shop/releases/r-2/web',
    environmentFile: '/srv/shop/.holdfast/units/holdfast-shop-production-web.service.env',
    withhold: ['LANG', 'USER'],
    logFile: '/srv/shop/.holdfast/logs/web.log',
    user: undefined,
    stop: { signal: 'SIGTERM', timeout: 20_000 },
    strategy: 'restart',
    sockets: [],
    after: [],
    ...changes,
  };
}

const SOCKET = 'holdfast-shop-production-web.http.socket';
const GATE = 'holdfast-shop-production-web.sockets.service';
const aSocketUnit = () =>
  socketUnit({ description: 'Port', target: 'f00d', address: '::1', port: 3000, name: 'web.http', gate: GATE });
const aGateUnit = () => gateUnit({ scope: 'system', description: 'Gate', target: 'f00d', sockets: [SOCKET] });

/** Everything that a unit gave trouble with: quotes, specifiers, variables, separators, escapes, control characters. */
const oddText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '%',
      '%h',
      '$',
      '$HOME',
      '${A}',
      '"',
      "'",
      '\\',
      '\\n',
      ';',
      ' ',
      '\t',
      '\n',
      '\r',
      '#',
      '=',
      '*',
      '-',
      '`',
      '@',
      '\x01',
      '\x7f',
    ),
    fc.constantFrom('ä', '日', '🚀', 'a', '0', '\u00a0', '\u2028'),
  ),
  maxLength: 12,
});

describe('a unit of a service', () => {
  it('reads like this', () => {
    expect(serviceUnit(aServiceUnit({ user: 'navigator', after: ['holdfast-shop-production-db.service'] }))).toBe(
      `# Written by Holdfast; changed again with the next release.
[Unit]
Description=web of shop in production, v2
Wants=network-online.target
After=network-online.target holdfast-shop-production-db.service
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
ExecStart="/usr/bin/env" "--" "node" "server.js" "--title" "50%% of \\"$$HOME\\""
WorkingDirectory=/srv/shop/releases/r-2/web
EnvironmentFile=/srv/shop/.holdfast/units/holdfast-shop-production-web.service.env
UnsetEnvironment=LANG USER
User=navigator
StandardOutput=append:/srv/shop/.holdfast/logs/web.log
StandardError=inherit
Restart=on-failure
RestartSec=3s
KillSignal=SIGTERM
TimeoutStopSec=20000ms
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target

[X-Holdfast]
Target=f00d
`,
    );
  });

  it('never closes its socket by starting too often', () => {
    const unit = parseUnit(serviceUnit(aServiceUnit({ strategy: 'socket', sockets: [SOCKET] })));

    expect(unit.get('Unit', 'StartLimitIntervalSec')).toBe('0');
    expect(unit.list('Service', 'Sockets')).toEqual([SOCKET]);
  });

  it('starts with the session manager of an ordinary user', () => {
    const unit = parseUnit(serviceUnit(aServiceUnit({ scope: 'user' })));

    expect(unit.get('Install', 'WantedBy')).toBe('default.target');
    expect(unit.get('Unit', 'Wants')).toBeUndefined();
  });

  it('is known as ours, and only as this target’s', () => {
    const text = serviceUnit(aServiceUnit());

    expect([isUnitOf('f00d', text), isUnitOf('beef', text), isUnitOf('f00d', '')]).toEqual([true, false, false]);
  });
});

describe('what systemd is given to read', () => {
  it('comes back as the same arguments, by the manual', () => {
    fc.assert(
      fc.property(fc.array(oddText), (words) => {
        const read = splitCommand(words.map(quoteWord).join(' ')).map(replaceDollars);
        expect(read).toEqual(words);
      }),
    );
  });

  it('comes back as the same variables, by the manual', () => {
    const fit = oddText.filter((value) => unfitVariables({ A: value }).length === 0);
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[A-Z_]{1,5}$/), fit), (variables) => {
        expect(parseEnvironmentFile(environmentFile(variables))).toEqual({ ...variables });
      }),
    );
  });

  it.each([
    ['a\tb\nc', []],
    ['a\rb', ['A']],
    ['\x1b[0m', ['A']],
    ['\x7f', ['A']],
    ['é€', []],
  ])('tells whether the value %j would arrive', (value, expected) => {
    expect(unfitVariables({ A: value })).toEqual(expected);
  });

  it.each([
    ['/srv/shop', true],
    ['/srv/my shop', true],
    ['/srv/shop ', false],
    ['/srv/shop\\', false],
    ['/srv/sh\nop', false],
    ['srv', false],
  ])('tells whether the path %j has a form', (path, expected) => {
    expect(isUnitPath(path)).toBe(expected);
  });

  it('names one file, also where its path looks like a pattern', () => {
    expect(quotePattern('/srv/[a]*?%/x')).toBe('/srv/\\[a\\]\\*\\?%%/x');
  });
});

describe('systemd itself', () => {
  /** Writes units where systemd looks for nothing else, save its own. */
  async function write(units: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(units)) await writeFile(join(folder, name), text);
  }

  it('finds nothing wrong with our units', async () => {
    await mkdir(join(folder, 'a b%'));
    const directory = join(folder, 'a b%');
    const command = ['node', '%h', '$HOME', '"', "'", '\\', ';', '', '{}', 'é\n'];
    await write({
      'holdfast-web.service': serviceUnit(aServiceUnit({ command, directory })),
      'holdfast-api.service': serviceUnit(aServiceUnit({ strategy: 'socket', sockets: [SOCKET], user: 'daemon' })),
      [SOCKET]: aSocketUnit(),
      [GATE]: aGateUnit(),
    });
    const names = ['holdfast-web.service', 'holdfast-api.service', SOCKET, GATE].map((name) => join(folder, name));

    const { stdout, stderr } = await run('systemd-analyze', ['--man=no', 'verify', ...names], { timeout: 30_000 });

    expect([stdout, stderr]).toEqual(['', '']);
  });

  it('would say when something is wrong with them', async () => {
    await write({ 'broken.service': serviceUnit(aServiceUnit()).replace('KillSignal=', 'KillSignals=') });

    const { stderr } = await run('systemd-analyze', ['--man=no', 'verify', join(folder, 'broken.service')]);

    expect(stderr).toContain('KillSignals');
  });

  it('reads the same arguments', async () => {
    const words = fc.sample(fc.array(oddText, { minLength: 1, maxLength: 6 }), { numRuns: 40, seed: 1 });
    const names = words.map((_, index) => `odd-${index}.service`);
    await write(
      Object.fromEntries(
        words.map((command, index) => [`odd-${index}.service`, serviceUnit(aServiceUnit({ command }))]),
      ),
    );
    await write({ 'odd.target': `[Unit]\nWants=${names.join(' ')}\n` });

    const dump = await dumpUnits('odd.target');

    const read = new Map<string, string[]>();
    for (const part of dump.split(/\n\s*-> Unit /)) {
      const line = /\n\s*Command Line: ([^\n]*)/.exec(part)?.[1];
      // The dump is quoted for a shell: dollars and backquotes are escaped too.
      if (line !== undefined) read.set(part.slice(0, part.indexOf(':')), splitDumped(line));
    }
    for (const [index, name] of names.entries()) {
      const given = ['/usr/bin/env', '--', ...(words[index] ?? [])];
      expect([name, read.get(name)?.map(replaceDollars)]).toEqual([name, given]);
    }
  });

  /** Asks systemd's manager what it has read, without running anything. It refuses to do that for root. */
  async function dumpUnits(first: string): Promise<string> {
    const runtime = join(folder, 'run');
    await mkdir(runtime);
    await run('chmod', ['-R', 'a+rwX', folder]);
    const env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: runtime,
      XDG_RUNTIME_DIR: runtime,
      LC_ALL: 'C.UTF-8',
      SYSTEMD_UNIT_PATH: `${folder}:`,
    };
    const asUser = process.getuid?.() === 0 ? ['setpriv', '--reuid', 'nobody', '--clear-groups'] : [];
    const argv = [...asUser, '/lib/systemd/systemd', '--test', '--user', `--unit=${first}`];
    const [program = '', ...args] = argv;
    const { stdout } = await run(program, args, { env, timeout: 30_000, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }
});

/** `a "b \$" "\303\244"` → a, b $, ä: octal escapes are bytes. */
function splitDumped(line: string): string[] {
  const words = line.match(/"(?:[^"\\]|\\[\s\S])*"|[^ "]+/g) ?? [];
  return words.map((word) => {
    if (!word.startsWith('"')) return word;
    const bytes: Buffer[] = [];
    for (const [, octal, escaped, plain] of word.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gsu)) {
      if (octal !== undefined) bytes.push(Buffer.from([Number.parseInt(octal, 8)]));
      else if (escaped !== undefined) bytes.push(Buffer.from({ n: '\n', t: '\t', r: '\r' }[escaped] ?? escaped));
      else bytes.push(Buffer.from(plain ?? ''));
    }
    return Buffer.concat(bytes).toString('utf8');
  });
}

describe('the answer of systemctl show', () => {
  it('is read unit by unit', () => {
    const text = `Id=a.service\nMainPID=12\nExecMainPID=12\nExecMainCode=0\nExecMainStatus=0\nResult=success\nActiveState=active\nNeedDaemonReload=no\n\nId=b.service\nMainPID=0\nExecMainPID=9\nExecMainCode=1\nExecMainStatus=3\nResult=exit-code\nActiveState=failed\nNeedDaemonReload=yes\n`;

    expect([...parseStates(text)]).toEqual([
      [
        'a.service',
        {
          active: 'active',
          result: 'success',
          mainPid: 12,
          lastPid: 12,
          exitCode: 0,
          exitStatus: 0,
          needsReload: false,
        },
      ],
      [
        'b.service',
        {
          active: 'failed',
          result: 'exit-code',
          mainPid: 0,
          lastPid: 9,
          exitCode: 1,
          exitStatus: 3,
          needsReload: true,
        },
      ],
    ]);
  });
});
