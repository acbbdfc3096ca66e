import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Interrupted, OutsideError, UnsafeError, UserError } from '../../src/core/errors.ts';
import { Report } from '../../src/core/report.ts';
import type { CliAction } from '../../src/hosts/cli-action.ts';
import { runOnGithub } from '../../src/hosts/github.ts';
import type { PolicyFile } from '../../src/hosts/governed-configuration.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { connectWorkflow, type Workflow } from '../../src/platform/workflow.ts';
import { fakeArtifacts } from '../support/artifacts.ts';
import { aWorkflow } from '../support/workflow.ts';
import { anAction, aReport } from './actions.ts';
import { type FakeRunner, fakeRunner } from './fake-runner.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-github-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OUTPUTS = ['decision', 'live-version', 'reason', 'record', 'release', 'report', 'summary'];

const SECRET = 'correct horse "battery" staple';

const CONFIGURATION = `version: 1
project: shop
secrets: [TOKEN]
variables: [REGION]
services:
  web:
    artifact: ./build
    run: { command: [node, server.js], port: 3000 }
    env: { TOKEN: '\${TOKEN}', REGION: '\${REGION:-nowhere}' }
validate:
  checks:
    login-works: { kind: http, path: /login }
environments:
  local: { target: { kind: directory, path: ./apps } }
`;

/** A checked out repository with these files. */
function aWorkspace(files: Readonly<Record<string, string>> = { 'holdfast.yml': CONFIGURATION }): string {
  const workspace = mkdtempSync(join(folder, 'workspace-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    writeFileSync(join(workspace, name), text);
  }
  return workspace;
}

interface Step {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly workspace?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly actor?: () => Promise<string>;
  readonly policy?: (path: string, token: string) => Promise<PolicyFile>;
  readonly workflow?: Workflow;
}

/** Runs one action as a step and gives what the runner was told. */
async function step(action: CliAction | (() => Promise<CliAction>), given: Step = {}): Promise<FakeRunner> {
  const runner = fakeRunner(given.inputs);
  const workspace = given.workspace ?? folder;
  await runOnGithub('look', typeof action === 'function' ? action : async () => action, {
    runner,
    env: { GITHUB_WORKSPACE: workspace, RUNNER_TEMP: folder, GITHUB_STEP_SUMMARY: '/summary', ...given.env },
    cwd: workspace,
    now: () => Date.UTC(2026, 10, 22),
    signal: new AbortController().signal,
    platform: (log, signal) => systemPlatform(log, signal, folder),
    workflow: (token, signal) => given.workflow ?? connectWorkflow(given.env ?? {}, token, signal),
    readPolicy: given.policy ?? (() => Promise.reject(new Error('nobody asked for a policy'))),
    proveIdentity: async () => ({ actor: await (given.actor?.() ?? 'user:1234') }),
  });
  return runner;
}

const throwing = (error: unknown) => anAction({ run: () => Promise.reject(error) });
const answering = (part: Partial<Report>) => anAction({ run: async () => aReport(part) });

/** Says what it was given. */
const configured: CliAction = {
  ...anAction(),
  settings: 'configuration',
  run: async ({ settings }, { log }) => {
    const { TOKEN, REGION } = settings.services['web']?.env ?? {};
    log.info(`token ${TOKEN}`);
    const summary = `${settings.project} ${settings.environment} ${REGION} ${TOKEN}`;
    return aReport({ summary, record: { token: TOKEN ?? '', keep: settings.releases.keep } });
  },
};

const secrets = (values: Readonly<Record<string, string>>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join('\n');

describe('every path', () => {
  it.each([
    { name: 'proceed', action: answering({}), decision: 'proceed', reason: 'seen' },
    { name: 'stop', action: answering({ decision: 'stop', reason: 'no' }), decision: 'stop', reason: 'no' },
    { name: 'an error of the user', action: throwing(new UserError('no-such', 'none')), reason: 'no-such' },
    { name: 'an error outside', action: throwing(new OutsideError('disk-full', 'full')), reason: 'disk-full' },
    { name: 'an unsafe state', action: throwing(new UnsafeError('unsafe', 'nobody knows')), reason: 'unsafe' },
    { name: 'a cancelled job', action: throwing(new Interrupted()), reason: 'interrupted' },
    { name: 'a bug', action: throwing(new TypeError('x is not a function')), reason: 'bug' },
    { name: 'a broken report', action: answering({ summary: Object(1) }), reason: 'bug' },
    { name: 'an action that cannot be loaded', action: () => Promise.reject(new Error('gone')), reason: 'bug' },
    { name: 'secrets that are no map', action: anAction(), inputs: { secrets: '- a' }, reason: 'secrets-malformed' },
    { name: 'no configuration', action: configured, reason: 'no-configuration' },
  ])('sets all outputs, a summary and a report: $name', async ({ action, decision = 'stop', reason, inputs }) => {
    const { outputs, summary, failures } = await step(action, { ...(inputs === undefined ? {} : { inputs }) });

    expect(Object.keys(outputs).sort()).toEqual(OUTPUTS);
    expect(outputs).toMatchObject({ decision, reason });
    expect(JSON.parse(outputs['record'] ?? '')).toMatchObject({ decision, reason });
    expect(Report.parse(JSON.parse(readFileSync(outputs['report'] ?? '', 'utf8')))).toMatchObject({ decision, reason });
    expect(summary).toContain('##');
    expect(failures).toHaveLength(decision === 'stop' ? 1 : 0);
  });

  it('names the release', async () => {
    const subject = { project: 'shop', environment: 'local', release: 'r-20261122T100000-abcd' };

    const { outputs } = await step(answering({ subject }));

    expect(outputs['release']).toBe('r-20261122T100000-abcd');
  });

  it('keeps the verdict when summary and report have no place', async () => {
    const { outputs, failures, annotations } = await step(anAction(), { env: { RUNNER_TEMP: '/proc/nowhere' } });

    expect(outputs).toMatchObject({ decision: 'proceed', report: '' });
    expect(failures).toEqual([]);
    expect(annotations.map(({ message }) => message)).toEqual([expect.stringContaining('the report was not written')]);
  });
});

describe('the run that a step is of', () => {
  const env = { GITHUB_REPOSITORY: 'acme/shop', GITHUB_RUN_ID: '4711', GITHUB_SHA: 'abc' };
  const looking = anAction({ run: async (_call, { workflow }) => aReport({ summary: workflow?.run.url ?? 'no run' }) });

  it('is handed to the action with the token of the job', async () => {
    const { outputs } = await step(looking, { env, inputs: { 'github-token': 'a-token' } });

    expect(outputs['summary']).toBe('https://github.com/acme/shop/actions/runs/4711');
  });

  it.each([
    { name: 'without a token', given: { env } },
    { name: 'outside of a run', given: { inputs: { 'github-token': 'a-token' } } },
  ])('is not there $name', async ({ given }) => {
    const { outputs } = await step(looking, given);

    expect(outputs['summary']).toBe('no run');
  });
});

describe('secrets', () => {
  it('are masked before anything else is said or loaded', async () => {
    const order: string[] = [];
    const runner = await step(
      async () => {
        order.push('loaded');
        return configured;
      },
      { inputs: { secrets: secrets({ TOKEN: SECRET }) }, workspace: aWorkspace() },
    );

    const firstOther = runner.told.findIndex((line) => !line.startsWith('mask '));
    expect(runner.masks).toContain(SECRET);
    expect(runner.told.slice(firstOther).filter((line) => line.startsWith('mask '))).toEqual([]);
    expect(order).toEqual(['loaded']);
  });

  it('reach the configuration and nothing that anybody can read', async () => {
    const runner = await step(configured, {
      inputs: { secrets: secrets({ TOKEN: SECRET, UNUSED: 'another one' }) },
      workspace: aWorkspace(),
    });

    const report = readFileSync(runner.outputs['report'] ?? '', 'utf8');
    expect(runner.outputs['summary']).toBe('shop local nowhere ***');
    for (const form of [SECRET, JSON.stringify(SECRET).slice(1, -1), encodeURIComponent(SECRET)]) {
      expect(runner.seen() + report).not.toContain(form);
    }
  });

  it('stay hidden when the action fails with one in its message', async () => {
    const leaking = throwing(new UserError('leak', `password ${SECRET}`, { hint: SECRET, cause: new Error(SECRET) }));

    const runner = await step(leaking, { inputs: { secrets: secrets({ TOKEN: SECRET }) } });

    expect(runner.outputs['summary']).toBe('password ***');
    expect(runner.seen()).not.toContain(JSON.stringify(SECRET).slice(1, -1));
  });

  it('that are too short to be masked are named', async () => {
    const runner = await step(anAction(), { inputs: { secrets: secrets({ PIN: '1', TOKEN: 'long enough' }) } });

    expect(runner.masks).not.toContain('1');
    expect(runner.annotations).toEqual([
      expect.objectContaining({ level: 'warning', message: expect.stringMatching(/under 4 characters.*: PIN$/) }),
    ]);
  });

  it('are sealed where the job is handed none', async () => {
    const runner = await step(configured, { workspace: aWorkspace() });

    expect(runner.outputs['summary']).toBe('shop local nowhere <sealed secret TOKEN>');
  });

  it('that are sealed stop an action which would use them', async () => {
    const runner = await step({ ...configured, withoutSecrets: false }, { workspace: aWorkspace() });

    expect(runner.outputs['reason']).toBe('secret-not-here');
    expect(runner.outputs['summary']).toContain('TOKEN');
    expect(runner.outputs['decision']).toBe('stop');
  });
});

describe('inputs', () => {
  const picky = anAction({
    inputs: z.strictObject({
      keep: z.int().min(1),
      data: z.enum(['restore', 'keep']).optional(),
      dry: z.boolean().prefault(false),
      only: z.array(z.string()).prefault([]),
      yes: z.boolean().prefault(false),
    }),
    run: async ({ inputs }) => aReport({ summary: JSON.stringify(inputs) }),
  });

  it('are read as the schema wants them; nobody is asked', async () => {
    const { outputs } = await step(picky, { inputs: { keep: ' 3 ', dry: 'True', only: 'a\n b \n\n' } });

    expect(JSON.parse(outputs['summary'] ?? '')).toEqual({ keep: 3, dry: true, only: ['a', 'b'], yes: true });
  });

  it('are told with all their problems at once', async () => {
    const { outputs } = await step(picky, { inputs: { data: 'burn', dry: 'maybe', variables: '[1]' } });

    expect(outputs['reason']).toBe('inputs');
    for (const name of [
      'keep is missing',
      'data "burn"',
      'dry "maybe": expected true or false',
      'variables: expected',
    ]) {
      expect(outputs['summary']).toContain(name);
    }
  });

  it('give variables, values to set, and the folder', async () => {
    const workspace = aWorkspace({ 'deep/er/holdfast.yml': CONFIGURATION });

    const { outputs } = await step(configured, {
      workspace,
      inputs: {
        'working-directory': 'deep/er',
        variables: '{"REGION":"eu","OTHER":"x"}',
        set: 'releases.keep=7\nproject=market',
        secrets: secrets({ TOKEN: SECRET }),
      },
    });

    expect(outputs['summary']).toBe('market local eu ***');
    expect(JSON.parse(outputs['record'] ?? '')).toMatchObject({ record: { keep: 7, token: '***' } });
  });
});

describe('who asks', () => {
  const asking: CliAction = {
    ...anAction(),
    settings: 'configuration',
    run: async (_call, { identity }) => aReport({ summary: identity.actor }),
  };

  it('is who the token proves, not the user of the computer', async () => {
    const { outputs } = await step(asking, { workspace: aWorkspace() });

    expect(outputs['summary']).toBe('user:1234');
  });

  it('stops the step when the proof is refused', async () => {
    const refused = async () => Promise.reject(new UserError('identity-not-proven', 'the token proves nothing'));

    const { outputs, failures } = await step(asking, { workspace: aWorkspace(), actor: refused });

    expect({ reason: outputs['reason'], failures }).toEqual({
      reason: 'identity-not-proven',
      failures: ['the token proves nothing'],
    });
  });
});

describe('policy', () => {
  const REMOTE = CONFIGURATION.replace('  local:', '  production:');
  const judged: CliAction = {
    ...anAction(),
    settings: 'configuration',
    run: async ({ settings: { access, backup } }) =>
      aReport({ summary: `${access?.roles.deployer?.join() ?? 'everybody'} ${backup.keep.last}` }),
  };
  const onMain = (text: string | undefined, isProtected = true) => {
    const asked: string[] = [];
    const policy = async (path: string, token: string) => {
      asked.push(`${path} ${token}`);
      return { branch: 'main', isProtected, bytes: text === undefined ? undefined : Buffer.from(text) };
    };
    return { asked, policy };
  };

  it('is that of the default branch, whatever the released file says', async () => {
    const { asked, policy } = onMain(`${REMOTE}access: { roles: { deployer: ['user:1'] } }\n`);
    const workspace = aWorkspace({ 'ops/holdfast.yml': `${REMOTE}access: { roles: { deployer: ['user:666'] } }\n` });

    const { outputs, annotations } = await step(judged, {
      workspace,
      policy,
      inputs: { 'working-directory': 'ops', 'github-token': 'the-token' },
    });

    expect(asked).toEqual(['ops/holdfast.yml the-token']);
    expect(outputs['summary']).toMatch(/^user:1 /);
    expect(annotations).toContainEqual(
      expect.objectContaining({ level: 'warning', message: expect.stringContaining('access is policy') }),
    );
  });

  it('is the own one where the release goes no further than this computer', async () => {
    const { outputs } = await step(judged, { workspace: aWorkspace() });

    expect(outputs['summary']).toMatch(/^everybody /);
  });

  it.each([
    { name: 'the file is not there', bytes: undefined, reason: 'no-policy' },
    { name: 'the environment is not there', bytes: CONFIGURATION, reason: 'configuration' },
    { name: 'the file cannot be read', bytes: '- a', reason: 'configuration' },
  ])('that nobody can see stops: $name', async ({ bytes, reason }) => {
    const { outputs } = await step(judged, { workspace: aWorkspace({ 'holdfast.yml': REMOTE }), ...onMain(bytes) });

    expect(outputs).toMatchObject({ decision: 'stop', reason });
  });

  it('of an unprotected branch is a finding', async () => {
    const { outputs } = await step(judged, {
      workspace: aWorkspace({ 'holdfast.yml': REMOTE }),
      ...onMain(REMOTE, false),
    });

    const { findings } = Report.parse(JSON.parse(readFileSync(outputs['report'] ?? '', 'utf8')));
    expect(findings).toContainEqual(expect.objectContaining({ check: 'policy', outcome: 'warn' }));
  });
});

describe('annotations', () => {
  it('stand at the line of the configuration that asked for what failed', async () => {
    const finding = {
      check: 'login-works',
      layer: 'application',
      outcome: 'fail',
      severity: 'high',
      message: 'nobody can log in',
      remedy: 'Look at the log.',
    } as const;
    const findings = [
      { ...finding, path: 'validate.checks.login-works' },
      { ...finding, path: 'backup.keep', outcome: 'unknown' as const },
      { ...finding, outcome: 'pass' as const },
    ];
    const judging: CliAction = {
      ...configured,
      run: async () => aReport({ findings, decision: 'stop', reason: 'check-failed' }),
    };

    const { annotations } = await step(judging, {
      workspace: aWorkspace({ 'ops/holdfast.yml': CONFIGURATION }),
      inputs: { config: 'ops/holdfast.yml' },
    });

    expect(annotations).toEqual([
      {
        level: 'error',
        title: 'login-works',
        message: 'nobody can log in. Look at the log.',
        place: { file: 'ops/holdfast.yml', line: 12, column: 5 },
      },
      expect.objectContaining({ level: 'warning', place: expect.objectContaining({ file: 'ops/holdfast.yml' }) }),
    ]);
  });

  it('name each problem of a configuration at its own line', async () => {
    const workspace = aWorkspace({
      'holdfast.yml': CONFIGURATION.replace('port: 3000', 'port: none').concat('chanels: {}\n'),
    });

    const { annotations, outputs, failures } = await step(configured, { workspace });

    expect(outputs).toMatchObject({ reason: 'configuration', summary: '2 problems in holdfast.yml' });
    expect(failures).toEqual(['2 problems in holdfast.yml']);
    expect(annotations.map(({ title, place }) => [title, place?.file, place?.line])).toEqual([
      ['services.web.run.port', 'holdfast.yml', 8],
      ['chanels', 'holdfast.yml', 15],
    ]);
  });

  it('are at most as many as GitHub shows, and tell of the rest', async () => {
    const findings = Array.from({ length: 30 }, (_, index) => ({
      check: `check-${index}`,
      layer: 'application' as const,
      outcome: 'fail' as const,
      severity: 'high' as const,
      message: 'no',
    }));

    const { annotations, told } = await step(answering({ findings, decision: 'stop', reason: 'check-failed' }));

    expect(annotations).toHaveLength(9);
    expect(told).toContain('info … and 21 more of level error in the summary');
  });
});

describe('the log', () => {
  it('folds each step of the run, and tells its ending outside of the fold', async () => {
    const busy = anAction({
      async run(_call, { log }) {
        const outer = log.step('deploy');
        const inner = log.step('start:web');
        log.info('::error::not a command');
        inner.end('proceed', 'started');
        outer.end('proceed', 'v2 is live');
        log.step('validate');
        return aReport();
      },
    });

    const { told } = await step(busy);

    expect(told.slice(0, 8)).toEqual([
      'group deploy',
      'info start:web: began',
      'info : :error::not a command',
      'info ✓ start:web (0 ms) started',
      'end of group',
      'info ✓ deploy (0 ms) v2 is live',
      'group validate',
      'end of group',
    ]);
  });
});

describe('a report that outlives its job', () => {
  const kept = (action: CliAction): CliAction => ({ ...action, keepsReport: true });

  it('is kept as an artifact of the run, alone, by project and environment', async () => {
    const artifacts = fakeArtifacts(1);

    const { outputs } = await step(kept(anAction()), { workflow: aWorkflow({ artifacts, attempt: 2 }) });

    expect(artifacts.kept.map(({ artifact }) => artifact.name)).toEqual(['holdfast-report-shop.local.2']);
    const [{ files } = { files: new Map<string, Buffer>() }] = artifacts.kept;
    expect([...files.keys()]).toEqual(['report.json']);
    expect(String(files.get('report.json'))).toBe(readFileSync(outputs['report'] ?? '', 'utf8'));
  });

  it('holds no secret, wherever the action put one', async () => {
    const artifacts = fakeArtifacts(1);
    const finding = { check: SECRET, layer: 'release', outcome: 'warn', severity: 'low', message: SECRET } as const;
    const leaking: CliAction = {
      ...configured,
      settings: 'configuration',
      keepsReport: true,
      run: async ({ settings }) => {
        const token = settings.services['web']?.env['TOKEN'] ?? '';
        return aReport({ summary: token, findings: [{ ...finding, remedy: token }], record: { [token]: [token] } });
      },
    };

    await step(leaking, {
      inputs: { secrets: secrets({ TOKEN: SECRET }) },
      workspace: aWorkspace(),
      workflow: aWorkflow({ artifacts }),
    });

    const text = String(artifacts.kept[0]?.files.get('report.json'));
    expect(text).toContain('***');
    for (const form of [SECRET, JSON.stringify(SECRET).slice(1, -1), encodeURIComponent(SECRET)]) {
      expect(text).not.toContain(form);
    }
  });

  it('is kept when the action stops or fails, and when no project is known', async () => {
    const artifacts = fakeArtifacts(1);
    const subject = { project: '', environment: 'production' };

    await step(kept(answering({ subject, decision: 'stop', reason: 'no' })), { workflow: aWorkflow({ artifacts }) });

    await step(kept(throwing(new TypeError('x is not a function'))), { workflow: aWorkflow({ artifacts }) });

    expect(artifacts.kept.map(({ artifact }) => artifact.name)).toEqual([
      'holdfast-report-production',
      'holdfast-report',
    ]);
    for (const { files } of artifacts.kept) {
      expect(String(files.get('report.json'))).toContain('"decision": "stop"');
    }
  });

  it('that GitHub does not keep is a warning and changes nothing else', async () => {
    const upload = () => Promise.reject(new OutsideError('github-unreachable', 'no answer'));

    const runner = await step(kept(anAction()), { workflow: aWorkflow({ artifacts: { upload } }) });

    expect(runner.outputs).toMatchObject({ decision: 'proceed', reason: 'seen' });
    expect(runner.failures).toEqual([]);
    expect(runner.annotations).toEqual([
      expect.objectContaining({ level: 'warning', message: 'the report was not kept as an artifact: no answer' }),
    ]);
  });

  it.each([
    { name: 'another action', action: anAction(), workflow: true },
    { name: 'no run of a workflow', action: kept(anAction()), workflow: false },
  ])('is not made of $name', async ({ action, workflow }) => {
    const artifacts = fakeArtifacts(1);

    const { annotations } = await step(action, workflow ? { workflow: aWorkflow({ artifacts }) } : {});

    expect(artifacts.kept).toEqual([]);
    expect(annotations).toEqual([]);
  });
});

describe('what is handed to later jobs', () => {
  it('is a few kilobytes, whatever the report holds', async () => {
    const record = { live: { version: 'v2' }, plan: 'x'.repeat(100_000), small: 1 };

    const { outputs } = await step(answering({ record }));

    expect(JSON.parse(outputs['record'] ?? '')).toMatchObject({
      record: { live: { version: 'v2' }, small: 1 },
      omitted: ['plan'],
    });
    expect((outputs['record'] ?? '').length).toBeLessThan(4096);
  });
});
