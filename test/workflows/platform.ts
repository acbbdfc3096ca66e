import { createHash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freePort, type Sshd, startSshd } from '../support/sshd.ts';
import { exportPublished } from './built.ts';
import { type Caller, createCaller, type Outcome, type RunOptions } from './harness.ts';
import { findLeaks } from './leaks.ts';
import { killProcesses } from './machines.ts';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const SAMPLE = join(import.meta.dirname, '../../examples/insurance-navigator');
const EXAMPLES = join(import.meta.dirname, '../../config/examples');

/** With all that breaks a careless mask: quotes, a line break, the sign of a command, an end that is short. */
export const SENTINEL = 'sentinel-"4b2e"\n::sentinel-\'9d0c\'\nend-of-sentinel';
export const WEBHOOK = 'https://hooks.slack.com/services/T000/B000/sentinel-of-the-webhook';

export const ALICE = { id: 1234, login: 'alice' };
/** May roll back and hold, and may not release. */
export const BOB = { id: 5678, login: 'bob' };
/** Has no role. */
export const MALLORY = { id: 666, login: 'mallory' };

/** The sample platform in a repository of its own, released by our workflows to a server that jobs reach over ssh. */
export interface PlatformOnGithub {
  readonly caller: Caller;
  /** The folder of the environment on the server. */
  readonly root: string;
  /** Commits a version, or one with a fault of the sample, and releases it as a push to main does. Answers its commit too. */
  push(fault?: string, options?: Partial<RunOptions>): Promise<Outcome & { readonly version: string }>;
  /** Runs one of the caller's workflows as it lies there. */
  run(workflow: string, options: Partial<RunOptions>): Promise<Outcome>;
  rollback(inputs: Readonly<Record<string, string>>, options?: Partial<RunOptions>): Promise<Outcome>;
  lock(inputs: Readonly<Record<string, string>>, options?: Partial<RunOptions>): Promise<Outcome>;
  validate(options?: Partial<RunOptions>): Promise<Outcome>;
  /** What answers on the server now. */
  version(): Promise<string>;
  /** SHA-256 over all rows and all uploaded files. */
  digestOfData(): string;
  /** The first line of each message that arrived at Slack, the oldest first. */
  told(): string[];
  readonly configuration: string;
  /** What the caller's repository has as secrets. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What the jobs reach the server with. */
  readonly deployKey: string;
  /** The ids of the releases whose files lie on the server, the newest first. */
  releases(): Promise<string[]>;
  /** Removes everything. Rejects when a secret was found anywhere, or GitHub was asked for what it would not have. */
  close(): Promise<void>;
}

export async function aPlatformOnGithub(more: Readonly<Record<string, string>> = {}): Promise<PlatformOnGithub> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-on-github-'));
  // The server has a Node of its own: the one that this test runs on.
  const sshd = await startSshd([
    `SetEnv PATH=${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin HOME=${folder}`,
  ]);
  const port = await freePort();
  const root = join(folder, 'navigator');
  const configuration = configurationOf({ sshd, port, root });
  const caller = await createCaller({
    name: 'navigator',
    files: { ...sampleFiles(), 'holdfast.yml': configuration, ...callerWorkflows(), ...more },
    published: [{ repository: 'acme/holdfast', commit: COMMIT, write: exportPublished }],
  });
  const secrets = {
    DEPLOY_KEY: sshd.settings.key ?? '',
    SLACK_WEBHOOK: WEBHOOK,
    JWT_SECRET: SENTINEL,
    NAVIGATOR_PASSWORD: 'a password for the sample',
    PIN: '7',
  };
  let count = 0;
  const runs: Outcome[] = [];
  const run = async (workflow: string, options: Partial<RunOptions>) => {
    const ended = await caller.run({
      workflow: `.github/workflows/${workflow}.yml`,
      environments: { release: 'production' },
      secrets,
      ...options,
    });
    runs.push(ended);
    return ended;
  };
  const dispatch = (workflow: string, inputs: Readonly<Record<string, string>>, options: Partial<RunOptions> = {}) =>
    run(workflow, { event: 'workflow_dispatch', inputs, actor: BOB, ...options });
  return {
    ...{ caller, root, run },
    async push(fault, options = {}) {
      count += 1;
      const version = caller.commit({ 'release.json': JSON.stringify({ count, fault }) });
      return { version, ...(await run('release', { actor: ALICE, ...options })) };
    },
    rollback: (inputs, options) => dispatch('rollback', inputs, options),
    lock: (inputs, options) => dispatch('lock', inputs, options),
    validate: (options) => dispatch('validate', {}, options),
    async version() {
      const answer = await fetch(`http://127.0.0.1:${port}/version`, { signal: AbortSignal.timeout(10_000) });
      return String(Object(await answer.json()).version);
    },
    digestOfData: () => digestOf(join(root, 'shared/api')),
    told: () => caller.github.hooks.received.map(({ text }) => String(JSON.parse(text).text)),
    configuration,
    secrets,
    deployKey: sshd.settings.key ?? '',
    releases: async () => (await readdir(join(root, 'releases'))).sort().reverse(),
    async close() {
      try {
        refuseLeaks(runs, caller, root, secrets);
        caller.github.assertAsDescribed();
      } finally {
        await caller.close();
        // What a release left running on the server, sockets that are held among it.
        killProcesses([folder]);
        await sshd.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** What a person may read: everything but the settings and the variables that a rollback and a service need. */
const READABLE = ['reports', 'capsules', 'journal', 'releases', 'baselines'];

function refuseLeaks(
  runs: readonly Outcome[],
  { github }: Caller,
  root: string,
  secrets: Readonly<Record<string, string>>,
): void {
  const folders = READABLE.map((name) => join(root, '.holdfast', name));
  const leaks = Object.entries(secrets).flatMap(([name, value]) =>
    findLeaks(value, { runs, github, folders }).map((place) => `${name} in the ${place}`),
  );
  if (leaks.length > 0) throw new Error(`secrets can be read: ${leaks.join(', ')}`);
}

/** The jobs of a run of one of our workflows, each with its result. */
export function resultsOf(run: Outcome, workflow = 'release.yml'): Record<string, string> {
  const jobs = Object.entries(run.jobs[workflow] ?? {});
  return Object.fromEntries(jobs.map(([job, { result }]) => [job, result]));
}

/**
 * What the call of our workflow answers to its caller, read from the job that says it: of a called workflow that fails act
 * hands nothing on (GitHub does).
 */
export function answerOf(run: Outcome): Record<string, string> {
  const jobs = Object.entries(run.jobs).flatMap(([workflow, all]) =>
    workflow === 'caller' ? [] : Object.entries(all),
  );
  return jobs.find(([job]) => ['report', 'lock', 'validate'].includes(job))?.[1].outputs ?? {};
}

function sampleFiles(): Record<string, string> {
  const names = ['server.js', 'migrate.js', 'package.json', 'build.js', 'app/*', 'migrations/*', 'faults/*'];
  const files = globSync(names, { cwd: SAMPLE }).map((name) => [name, readFileSync(join(SAMPLE, name), 'utf8')]);
  return {
    ...Object.fromEntries(files),
    '.gitignore': 'build\n',
    'release.json': '{}',
    // Every version but the first has the newest schema; its name is given to it when it runs.
    'make.js': `import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
const { count, fault } = JSON.parse(readFileSync('release.json', 'utf8'));
const chosen = fault === undefined ? [] : ['--fault', fault];
execFileSync(process.execPath, ['build.js', '--version', 'v' + count, ...chosen, '--out', 'build/api'], { stdio: 'inherit' });
`,
  };
}

/** An example of `config/examples`, as somebody fills it in. */
export function filledIn(example: string): string {
  const more = ['JWT_SECRET', 'NAVIGATOR_PASSWORD', 'PIN'].map(
    (name) => `        ${name}: \${{ toJSON(secrets.${name}) }}\n`,
  );
  const text = readFileSync(join(EXAMPLES, example), 'utf8');
  return text.replace('OWNER/', 'acme/').replace(/@0{40}/, `@${COMMIT}`) + more.join('');
}

function callerWorkflows(): Record<string, string> {
  const names = globSync('*.yml', { cwd: EXAMPLES });
  return Object.fromEntries(names.map((name) => [`.github/workflows/${name}`, filledIn(name)]));
}

function configurationOf(at: { readonly sshd: Sshd; readonly port: number; readonly root: string }): string {
  const { sshd, port, root } = at;
  const [hostKey = ''] = sshd.settings.host_keys ?? [];
  return `${readFileSync(join(SAMPLE, 'holdfast.yml'), 'utf8')
    .replace(/^secrets:.*$/m, 'secrets: [JWT_SECRET, NAVIGATOR_PASSWORD, DEPLOY_KEY, SLACK_WEBHOOK, PIN]')
    .replace(/^variables:.*\n/m, '')
    .replace(/^ {4}#.*\n {4}artifact:.*$/m, '    build: { command: [node, make.js], output: build/api }')
    .replace('port: 8080', `port: ${port}`)
    .replace("MIGRATE_ON_START: '0'", "MIGRATE_ON_START: '0'\n      PIN: ${PIN}")
    .replace(
      /^alerts:[\s\S]*$/m,
      `access:
  roles: { deployer: ['user:${ALICE.id}'], restorer: ['user:${BOB.id}'], approver: ['user:${BOB.id}'] }
alerts:
  channels:
    ops: { kind: slack, webhook: '\${SLACK_WEBHOOK}' }
  routes:
    - send: [ops]
environments:
  production:
    target:
      kind: ssh
      hosts: ['127.0.0.1']
      port: ${sshd.port}
      user: root
      path: ${root}
      host_keys: { '127.0.0.1': ['${hostKey}'] }
      key: '\${DEPLOY_KEY}'
`,
    )}`;
}

function digestOf(shared: string): string {
  const hash = createHash('sha256');
  const database = new DatabaseSync(join(shared, 'data/navigator.db'), { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  for (const { name } of tables) {
    hash.update(String(name)).update(JSON.stringify(database.prepare(`SELECT * FROM "${name}" ORDER BY 1`).all()));
  }
  database.close();
  for (const file of globSync('uploads/**', { cwd: shared, withFileTypes: true })) {
    if (file.isFile()) hash.update(file.name).update(readFileSync(join(file.parentPath, file.name)));
  }
  return hash.digest('hex');
}
