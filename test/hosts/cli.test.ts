import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Interrupted, OutsideError, UnsafeError, UserError } from '../../src/core/errors.ts';
import { Report } from '../../src/core/report.ts';
import { runCli } from '../../src/hosts/cli.ts';
import type { CliAction } from '../../src/hosts/cli-action.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { anAction, aReport } from './actions.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'correct horse battery staple';

const CONFIGURATION = `
version: 1
project: shop
secrets: [TOKEN]
services:
  web: { artifact: ./build, run: { command: [node, server.js], port: 3000 }, env: { TOKEN: '\${TOKEN}' } }
environments:
  local: { target: { kind: directory, path: ./apps } }
`;

/** A folder with these files. */
function aProject(files: Readonly<Record<string, string>>): string {
  const project = mkdtempSync(join(folder, 'project-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  return project;
}

/** Runs one command line in a folder and collects what it writes. */
async function run(
  argv: readonly string[],
  action: CliAction | readonly CliAction[],
  { cwd = folder, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
) {
  let stdout = '';
  let stderr = '';
  const collect = (add: (text: string) => void) => ({ write: (text: string) => add(text), isTTY: false });
  const status = await runCli(argv, [action].flat(), {
    stdout: collect((text) => {
      stdout += text;
    }),
    stderr: collect((text) => {
      stderr += text;
    }),
    env,
    cwd,
    version: '1.2.3',
    now: () => Date.UTC(2026, 10, 22),
    signal: new AbortController().signal,
    platform: (log, signal) => systemPlatform(log, signal, folder),
  });
  return { status, stdout, stderr };
}

/** The one report on standard output; fails when there is anything else. */
function reportOf(stdout: string): Report {
  return Report.parse(JSON.parse(stdout));
}

const throwing = (error: unknown) => anAction({ run: () => Promise.reject(error) });
const answering = (part: Partial<Report>) => anAction({ run: async () => aReport(part) });

describe('the exit code', () => {
  it.each([
    { name: 'proceed', action: answering({}), status: 0 },
    { name: 'a verdict that stops', action: answering({ decision: 'stop', reason: 'rolled-back' }), status: 1 },
    { name: 'a report that says unsafe', action: answering({ decision: 'stop', reason: 'unsafe' }), status: 4 },
    { name: 'an error of the user', action: throwing(new UserError('no-such', 'there is none')), status: 2 },
    { name: 'an error outside', action: throwing(new OutsideError('disk-full', 'the disk is full')), status: 3 },
    { name: 'an unsafe state', action: throwing(new UnsafeError('unsafe', 'nobody knows')), status: 4 },
    { name: 'an interruption', action: throwing(new Interrupted()), status: 130 },
    { name: 'a bug', action: throwing(new TypeError('x is not a function')), status: 70 },
    { name: 'a report that breaks the contract', action: answering({ summary: Object(1) }), status: 70 },
  ])('is $status for $name, with and without --json', async ({ action, status }) => {
    expect((await run(['look'], action)).status).toBe(status);
    expect((await run(['look', '--json'], action)).status).toBe(status);
  });

  it('is 2 for a command line that cannot be read, and for none', async () => {
    expect((await run(['lok'], anAction())).status).toBe(2);
    expect((await run([], anAction())).status).toBe(2);
  });

  it('is 0 for help and version', async () => {
    expect(await run(['--version'], anAction())).toEqual({ status: 0, stdout: '1.2.3\n', stderr: '' });
    expect(await run(['look', '--help'], anAction())).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('--json', () => {
  it('writes one report to standard output and progress to standard error', async () => {
    const busy = anAction({
      async run(_call, platform) {
        platform.log.step('counting').end('proceed', 'counted');
        platform.log.info('still here');
        return aReport({ summary: 'all is well' });
      },
    });

    const { stdout, stderr } = await run(['look', '--json'], busy);

    expect(reportOf(stdout).summary).toBe('all is well');
    expect(stderr).toContain('counting');
    expect(stderr).toContain('still here');
  });

  it('writes a report of what failed, with what to do', async () => {
    const action = throwing(new UserError('no-such', 'there is no release r-1', { hint: 'See "holdfast releases".' }));

    const { stdout, stderr } = await run(['look', '--json'], action);

    expect(reportOf(stdout)).toMatchObject({
      action: 'look',
      decision: 'stop',
      reason: 'no-such',
      summary: 'there is no release r-1',
      findings: [{ check: 'no-such', outcome: 'fail', remedy: 'See "holdfast releases".' }],
    });
    expect(stderr).toBe('look: there is no release r-1\nSee "holdfast releases".\n');
  });

  it('writes a report even when the command line cannot be read', async () => {
    for (const argv of [['lok', '--json'], ['--json']]) {
      const { stdout } = await run(argv, anAction());

      expect(reportOf(stdout)).toMatchObject({ decision: 'stop', reason: 'usage' });
    }
  });
});

describe('a bug', () => {
  it('is told in a few lines, without a stack, with a file of details', async () => {
    const { stderr } = await run(['look'], throwing(new TypeError('x is not a function')));

    const file = /Add this file: (.*)\n/.exec(stderr)?.[1] ?? '';
    expect(stderr).toMatch(/^look: ended by a bug of Holdfast: x is not a function\n/);
    expect(stderr).not.toContain('    at ');
    expect(await readFile(file, 'utf8')).toMatch(
      /holdfast 1\.2\.3\ncommand: look\nTypeError: x is not a function\n +at /,
    );
  });

  it('shows its stack with --verbose', async () => {
    const { stderr } = await run(['look', '--verbose'], throwing(new TypeError('x is not a function')));

    expect(stderr).toContain('    at ');
  });
});

describe('what an action hands to its output', () => {
  it('is printed bare when it is a file', async () => {
    const schema = anAction({ bare: () => '{"type":"object"}\n' });

    expect((await run(['look'], schema)).stdout).toBe('{"type":"object"}\n');
    expect(reportOf((await run(['look', '--json'], schema)).stdout).action).toBe('look');
  });

  it('closes with the line that scripts read', async () => {
    const demo = anAction({ closingLine: () => 'demo: 3 releases, 1 rolled back, 0 failed requests' });

    const { stdout } = await run(['look'], demo);

    expect(stdout.split('\n').at(-2)).toBe('demo: 3 releases, 1 rolled back, 0 failed requests');
  });

  it('has no control characters where there is no terminal', async () => {
    const hostile = answering({ summary: 'a\u001b[31mred\u0007 summary' });

    const { stdout, stderr } = await run(['look'], hostile);

    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });
});

describe('the configuration', () => {
  /** Says the project and the environment that it was given. */
  const configured: CliAction = {
    ...anAction(),
    settings: 'configuration',
    run: async ({ settings }, { log }) => {
      log.info(`token ${settings.services['web']?.env['TOKEN']}`);
      return aReport({ summary: `${settings.project} ${settings.environment} ${settings.directory} ${SECRET}` });
    },
  };

  it('is found in a folder above, loaded for the only environment, and handed over', async () => {
    const project = aProject({ 'holdfast.yml': CONFIGURATION, 'deep/er/file': '' });

    const { status, stdout, stderr } = await run(['look'], configured, {
      cwd: join(project, 'deep/er'),
      env: { TOKEN: 'no secret at all' },
    });

    expect({ status, stderr: stderr.includes('token') }).toEqual({ status: 0, stderr: true });
    expect(stdout).toContain('shop local');
  });

  it('masks what it lists as secret in everything that is written', async () => {
    const project = aProject({ 'holdfast.yml': CONFIGURATION });
    const leaking: CliAction = {
      ...configured,
      bare: () => `bare ${SECRET}\n`,
      closingLine: () => `closing ${SECRET}`,
    };
    const failing: CliAction = {
      ...configured,
      run: () =>
        Promise.reject(new UserError('leak', `password ${SECRET}`, { hint: SECRET, cause: new Error(SECRET) })),
    };
    const options = { cwd: project, env: { TOKEN: SECRET } };

    const written = await Promise.all(
      [configured, leaking, failing].flatMap((action) => [
        run(['look', '--verbose'], action, options),
        run(['look', '--json', '--verbose'], action, options),
      ]),
    );

    const text = written.map(({ stdout, stderr }) => stdout + stderr).join('\n');
    expect(text).toContain('***');
    expect(text).not.toContain(SECRET);
  });

  it('is told with all its problems, and exit code 2, when it is not valid', async () => {
    const project = aProject({
      'holdfast.yml': CONFIGURATION.replace('port: 3000', 'port: none').concat('chanels: {}\n'),
    });

    const plain = await run(['look'], configured, { cwd: project, env: { TOKEN: SECRET } });
    const json = await run(['look', '--json'], configured, { cwd: project, env: { TOKEN: SECRET } });

    expect(plain).toMatchObject({ status: 2, stdout: '' });
    expect(plain.stderr).toMatch(/^holdfast\.yml:6:\d+ +services\.web\.run\.port .*\n/);
    expect(plain.stderr).toMatch(/\n2 problems in holdfast\.yml\n$/);
    expect(json.status).toBe(2);
    expect(reportOf(json.stdout)).toMatchObject({ reason: 'configuration', summary: '2 problems in holdfast.yml' });
    expect(reportOf(json.stdout).findings.map(({ path }) => path)).toEqual(['services.web.run.port', 'chanels']);
  });

  it('is handed over with its problems to an action that asks for it raw', async () => {
    const project = aProject({ 'holdfast.yml': 'version: 7' });
    const raw: CliAction = {
      ...anAction(),
      settings: 'raw',
      run: async ({ settings }) => aReport({ summary: settings.result.ok ? 'fine' : 'has problems' }),
    };

    expect((await run(['look'], raw, { cwd: project })).stdout).toContain('has problems');
  });

  it('is not looked for by an action that needs none', async () => {
    expect((await run(['look'], anAction(), { cwd: '/' })).status).toBe(0);
  });

  it('is asked for by name when there is none', async () => {
    const { status, stderr } = await run(['look'], configured, { cwd: folder });

    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('there is no holdfast.yml') });
  });

  it('is changed by --set and by variables', async () => {
    const project = aProject({ 'holdfast.yml': CONFIGURATION });
    const env = { TOKEN: SECRET, HOLDFAST__PROJECT: 'market' };

    const { stdout } = await run(['look', '--set', 'releases.keep=7'], configured, { cwd: project, env });

    expect(stdout).toContain('market local');
  });
});

describe('inputs', () => {
  it('reach the action parsed', async () => {
    const echo = anAction({
      inputs: z.strictObject({ keep: z.int().prefault(3) }),
      run: async ({ inputs }) => aReport({ summary: `keep ${JSON.stringify(inputs)}` }),
    });

    expect((await run(['look', '--keep', '5', '--json'], echo)).stdout).toContain('keep {\\"keep\\":5}');
  });
});
