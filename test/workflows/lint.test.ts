import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { callProblems } from '../../scripts/workflows/calls.js';
import { ruleProblems } from '../../scripts/workflows/rules.js';
import { findTool, withoutTool } from '../../scripts/workflows/tools.js';

const ROOT = join(import.meta.dirname, '../..');
const PIN = '3d3c42e5aac5ba805825da76410c181273ba90b1';

const GOOD = `name: Good
on: { push: { branches: [main] } }
permissions: {}
concurrency: { group: good, queue: max }
jobs:
  work:
    name: Work
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read # the code
    steps:
      - uses: actions/checkout@${PIN} # v7.0.1
        with: { persist-credentials: false }
      - uses: $/actions/deploy
      - env: { NAME: '\${{ github.ref }}' }
        run: echo "$NAME"
`;

describe('our rules for workflows', () => {
  it('have nothing against a good one', () => {
    expect(ruleProblems(GOOD)).toEqual([]);
  });

  const cases = [
    {
      name: 'permissions for all jobs',
      from: 'permissions: {}',
      to: 'permissions: { contents: read }',
      problem: '3:14 the workflow starts with "permissions: {}"',
    },
    {
      name: 'no permissions at the top',
      from: 'permissions: {}\n',
      to: '',
      problem: '1:1 the workflow starts with "permissions: {}"',
    },
    {
      name: 'a job without a limit',
      from: '    timeout-minutes: 5\n',
      to: '',
      problem: '6:3 the job "work" has no timeout-minutes',
    },
    {
      name: 'a permission without a reason',
      from: ' # the code',
      to: '',
      problem: '11:7 the permission "contents" has no reason behind it',
    },
    {
      name: 'all permissions at once',
      from: 'permissions:\n      contents: read # the code',
      to: 'permissions: write-all',
      problem: '10:18 the job "work" lists its permissions one by one',
    },
    {
      name: 'an action at a tag',
      from: `@${PIN}`,
      to: '@v7',
      problem: '13:15 "actions/checkout@v7" is not pinned to the 40 digits of a commit',
    },
    {
      name: 'a pin without its version',
      from: ' # v7.0.1',
      to: ' # newest',
      problem: `13:15 the version of "actions/checkout@${PIN}" is not told behind it, as in "# v1.2.3"`,
    },
    {
      name: 'an action of the work tree',
      from: '$/actions/deploy',
      to: './actions/deploy',
      problem: '15:15 "./actions/deploy" is not pinned to the 40 digits of a commit',
    },
    {
      name: 'credentials that are left behind',
      from: 'persist-credentials: false',
      to: 'fetch-depth: 0',
      problem: '13:15 the checkout keeps its credentials: say "persist-credentials: false"',
    },
    {
      name: 'text of others in a script',
      from: 'echo "$NAME"',
      to: "echo '${{ github.ref }}'",
      problem: '17:14 an expression stands inside of "run": hand it over by "env"',
    },
    {
      name: 'a queue that drops what waits',
      from: ', queue: max',
      to: '',
      problem: '4:14 what waits here may be dropped: say "queue: max"',
    },
    {
      name: 'a queue that ends what it keeps',
      from: 'queue: max',
      to: 'queue: max, cancel-in-progress: true',
      problem: '4:14 "queue: max" and "cancel-in-progress: true" contradict each other',
    },
  ];
  it.each(cases)('find $name', ({ from, to, problem }) => {
    expect(GOOD).toContain(from);
    expect(ruleProblems(GOOD.replace(from, to))).toEqual([problem]);
  });

  it('ask a job that calls a workflow for its permissions, and not for a limit', () => {
    const calling = `permissions: {}\njobs:\n  a:\n    uses: acme/b/.github/workflows/c.yml@${PIN} # v1.0.0\n`;

    expect(ruleProblems(calling)).toEqual(['3:3 the job "a" does not say its permissions']);
    expect(ruleProblems(`${calling}    permissions: {}\n`)).toEqual([]);
  });
});

describe('a call of one of our workflows', () => {
  const ours = `
on:
  workflow_call:
    inputs: { version: { type: string, required: true }, config: { type: string } }
    secrets: { HOLDFAST_SECRETS: { required: false } }
jobs:
  admit: { permissions: { id-token: write, contents: read } }
  report: { permissions: { contents: write } }
`;
  const read = (name: string) => (name === 'release.yml' ? ours : undefined);
  const call = (rest: string, file = 'release.yml') =>
    callProblems(`jobs:\n  a:\n    uses: OWNER/holdfast/.github/workflows/${file}@${PIN}\n${rest}`, read);
  const grants = '    permissions: { id-token: write, contents: write, actions: read }\n';
  const given = '    with: { version: v1 }\n';

  it('is right with what ours ask for', () => {
    expect(call(`${grants}${given}    secrets: { HOLDFAST_SECRETS: x }\n`)).toEqual([]);
  });

  const cases = [
    {
      name: 'grants too little',
      rest: `    permissions: { id-token: write, contents: read }\n${given}`,
      problem: 'needs "contents: write"',
    },
    { name: 'lacks an input', rest: grants, problem: 'requires the input "version"' },
    {
      name: 'misspells an input',
      rest: `${grants}    with: { version: v1, confg: x }\n`,
      problem: 'knows no input "confg"',
    },
    {
      name: 'misspells a secret',
      rest: `${grants}${given}    secrets: { SECRETS: x }\n`,
      problem: 'knows no secret "SECRETS"',
    },
    {
      name: 'hands every secret over',
      rest: `${grants}${given}    secrets: inherit\n`,
      problem: 'hands all secrets over',
    },
  ];
  it.each(cases)('is wrong when it $name', ({ rest, problem }) => {
    expect(call(rest)).toEqual([expect.stringContaining(`the job "a" calls release.yml: it ${problem}`)]);
  });

  it('is wrong when nothing of the name can be called', () => {
    expect(call(grants, 'relaese.yml')).toEqual(['the job "a" calls relaese.yml, which cannot be called']);
  });

  it('leaves workflows of others alone', () => {
    expect(callProblems(`jobs:\n  a:\n    uses: acme/other/.github/workflows/x.yml@${PIN}\n`, read)).toEqual([]);
  });
});

describe('what judges workflows', () => {
  const judge = (text: string, environment: Record<string, string> = {}) => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-lint-'));
    const file = join(folder, 'w.yml');
    writeFileSync(file, text);
    const argv = [join(ROOT, 'scripts/workflows/lint.js'), file];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
    rmSync(folder, { recursive: true });
    return { status, said: `${stdout}${stderr}` };
  };

  it("has GitHub's own parser find what GitHub would refuse", () => {
    const { status, said } = judge(GOOD.replace('runs-on', 'runs-at'));

    expect(status).toBe(1);
    expect(said).toMatch(/failed {2}GitHub's own parser\n.*Unexpected value 'runs-at'/);
  });

  it('knows what GitHub knows and others do not yet', () => {
    const { said } = judge(GOOD);

    expect(said).toMatch(/ok {6}GitHub's own parser\nok {6}our rules\n/);
    expect(said).not.toMatch(/^failed/m);
  });

  it('names a program that is not here, skips its part, and fails in CI', () => {
    const bare = { PATH: '/nowhere', XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), 'holdfast-cache-')) };
    const here = judge(GOOD, { ...bare, CI: '' });
    const inCi = judge(GOOD, { ...bare, CI: 'true' });
    rmSync(bare.XDG_CACHE_HOME, { recursive: true });

    expect(here.said).toContain('skipped actionlint\n        actionlint 1.7.12, needed for judging the syntax');
    expect(here.said).toContain('Go is not here');
    expect(here.said).toContain('3 ok, 0 failed, 2 skipped');
    expect([here.status, inCi.status]).toEqual([0, 1]);
    expect(inCi.said).toContain('3 ok, 2 failed, 0 skipped');
  });
});

describe('a tool that is pinned', () => {
  it('is installed once, complete, by the first way that works', () => {
    const home = mkdtempSync(join(tmpdir(), 'holdfast-tools-'));
    let calls = 0;
    const environment = { XDG_CACHE_HOME: home };
    const make = (folder: string) => {
      calls += 1;
      const made = spawnSync('sh', ['-c', 'mkdir bin && echo >bin/hammer'], { cwd: folder });
      return made.status === 0 ? undefined : 'no';
    };
    const tools = { hammer: { version: '1', why: 'nails', ways: [() => 'there is no wood', make] } };

    const found = [findTool('hammer', { environment, tools }), findTool('hammer', { environment, tools })];
    const broken = { nail: { version: '2', why: 'walls', ways: [() => 'there is no iron', () => undefined] } };
    const missing = findTool('nail', { environment, tools: broken });
    rmSync(home, { recursive: true });

    const path = join(home, 'holdfast/tools/hammer-1/bin/hammer');
    expect(found).toEqual([{ path }, { path }]);
    expect(calls).toBe(1);
    expect(missing).toEqual({
      missing:
        'nail 2, needed for walls, could not be installed: there is no iron; it installed no program called nail',
    });
  });

  it('fails what needs it in CI and is skipped elsewhere', () => {
    expect(withoutTool({ CI: 'true' })).toBe('failed');
    expect(withoutTool({ CI: 'false' })).toBe('skipped');
    expect(withoutTool({})).toBe('skipped');
  });
});
