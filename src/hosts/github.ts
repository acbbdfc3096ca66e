import { join, resolve } from 'node:path';
import type { ConfigurationCall } from '../config/commands.ts';
import type { Configuration } from '../config/configuration.ts';
import { InvalidConfiguration } from '../config/problem.ts';
import type { Block } from '../core/action.ts';
import { artifactName } from '../core/artifact-name.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { Report, type Subject } from '../core/report.ts';
import { sealedNames } from '../core/sealed.ts';
import type { Identity } from '../platform/identity.ts';
import type { Log } from '../platform/log.ts';
import type { Platform } from '../platform/platform.ts';
import type { Workflow } from '../platform/workflow.ts';
import { createMask } from '../report/mask.ts';
import { cleanCode, cleanText, defuseCommands, type Mask, oneLine } from '../report/text.ts';
import { type AnnotatedFile, annotateFindings, annotateProblems } from './annotations.ts';
import { type Failure, failureOf, failureReport, failureText, stackOf } from './failure.ts';
import type { GithubAction } from './github-action.ts';
import type { PolicyFile } from './governed-configuration.ts';
import { recordOutput } from './record-output.ts';
import type { Runner } from './runner.ts';
import { type RunnerInputs, readInputs } from './runner-inputs.ts';
import { runnerLog } from './runner-log.ts';
import { takeSecrets } from './runner-secrets.ts';

/** The step of a job around one action. */
export interface GithubHost {
  readonly runner: Runner;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Fires when the job is cancelled. */
  readonly signal: AbortSignal;
  readonly platform: (log: Log, signal: AbortSignal) => Platform;
  /** The run that this is a step of, asked with this token; undefined where there is none to ask. */
  readonly workflow: (token: string, signal: AbortSignal) => Workflow | undefined;
  /** The file at this path of the repository, as it stands on the branch whose policy holds. */
  readonly readPolicy: (path: string, token: string, signal: AbortSignal) => Promise<PolicyFile>;
  /** Who asks, as `access.roles` names people. Throws when it can be proven and is not. */
  readonly proveIdentity: (platform: Platform) => Promise<HostIdentity>;
}

/** What the token of a job says of who asks. */
export type HostIdentity = Pick<Identity, 'actor' | 'environmentPassed'>;

/** What is known of the run so far: it may fail at any moment and must still be told rightly. */
interface Run {
  subject: Subject;
  mask: Mask;
  secrets: Readonly<Record<string, string>>;
  file?: AnnotatedFile;
  blocks: readonly Block[];
  /** What the action says of its step; by its decision when undefined. */
  hasFailed?: boolean | undefined;
  /** The report shall outlive the job. */
  keepsReport?: boolean | undefined;
  /** What the host itself has found: about the configuration, and where its policy comes from. */
  readonly findings: Finding[];
  platform?: Platform;
}

/**
 * Runs one action as a step of a job: secrets are masked first, then inputs and configuration are read, all outputs are
 * set on every path, and a decision to stop fails the step. `name` is the folder of the published action. Never rejects
 * because of what the action does.
 */
export async function runOnGithub(name: string, load: () => Promise<GithubAction>, host: GithubHost): Promise<void> {
  const { runner, now } = host;
  const startedAtMs = now();
  const run: Run = {
    subject: { project: '', environment: '' },
    mask: (text) => text,
    secrets: {},
    blocks: [],
    findings: [],
  };
  const log = runnerLog(runner, { now, mask: (text) => run.mask(text) });
  let report: Report;
  try {
    const answered = Report.parse(await runAction(load, run, log, host));
    report = { ...answered, findings: [...answered.findings, ...run.findings] };
    log.close();
    annotateFindings(report.findings, run.file, run.mask, runner);
  } catch (error) {
    log.close();
    const failure = failureOf(error);
    tellFailure(failure, error, name, run, runner);
    report = failureReport(failure, { action: name, subject: run.subject, startedAtMs, finishedAtMs: now() });
  }
  await deliver(report, name, run, host);
}

async function runAction(load: () => Promise<GithubAction>, run: Run, log: Log, host: GithubHost): Promise<Report> {
  const { runner } = host;
  const secrets = await takeSecrets(runner.takeInput('secrets'), runner, host.env);
  run.secrets = secrets.values;
  run.mask = createMask(secrets.values);
  if (secrets.problem !== undefined) throw secrets.problem;
  if (secrets.unmasked.length > 0) {
    log.warn(`secrets of under 4 characters cannot be masked and may be printed: ${secrets.unmasked.join(', ')}`);
  }
  const action = await load();
  run.keepsReport = action.keepsReport;
  const inputs = await readInputs(action, (input) => runner.takeInput(input));
  const workflow = host.workflow(inputs.githubToken, host.signal);
  const bare = host.platform(log, host.signal);
  const platform = workflow === undefined ? bare : { ...bare, workflow: await inItsCall(workflow, inputs, bare, host) };
  run.platform = platform;
  const report = await callAction(action, inputs, run, platform, host).finally(() => platform.ending.run());
  run.blocks = action.present?.(report) ?? [];
  run.hasFailed = action.fails?.(report);
  return report;
}

/**
 * The run as this call of it. Without a job that admitted it, the job is a call of its own: jobs of a matrix have one name,
 * so that it is known by a word of chance in the temporary folder, which each job has for itself.
 */
async function inItsCall(
  workflow: Workflow,
  { admission }: RunnerInputs,
  { files, random }: Platform,
  { env }: GithubHost,
): Promise<Workflow> {
  const folder = env['RUNNER_TEMP'] ?? '';
  if (admission !== undefined || folder === '') return { ...workflow, admission };
  const path = join(folder, 'holdfast-job');
  await files.create(path, random.hex(8), 0o600);
  const job = (await files.read(path))?.toString('utf8') ?? '';
  return { ...workflow, run: { ...workflow.run, job: `${workflow.run.job} ${job}` } };
}

async function callAction(
  action: GithubAction,
  inputs: RunnerInputs,
  run: Run,
  platform: Platform,
  host: GithubHost,
): Promise<Report> {
  if (action.settings === 'none') return await action.run({ inputs: inputs.own, settings: undefined }, platform);
  if (action.settings === 'readable') {
    const { readReadable } = await import('./readable-configuration.ts');
    const own = async () => configurationOf(await readConfiguration(inputs, run, platform, host, true), run);
    const readable = await readReadable({ inputs, secrets: run.secrets, platform, source: host, own });
    // Values of a configuration that was read in place of this one are as secret.
    run.mask = createMask({ ...run.secrets, ...readable.readable?.secretValues });
    return await action.run({ inputs: inputs.own, settings: readable }, platform);
  }
  const raw = await readConfiguration(inputs, run, platform, host, action.withoutSecrets === true);
  if (action.settings === 'raw') return await action.run({ inputs: inputs.own, settings: raw }, platform);
  const configuration = configurationOf(raw, run);
  const missing = action.withoutSecrets === true ? [] : sealedNames(configuration);
  if (missing.length > 0) {
    throw new UserError(
      'secret-not-here',
      `${action.name} needs ${missing.join(', ')}, and this job was given no secrets`,
      {
        hint: 'Pass HOLDFAST_SECRETS as the input `secrets` of this step.',
      },
    );
  }
  // The user of the runner's computer says nothing about who asks.
  const identity = { ...platform.identity, ...(await host.proveIdentity(platform)) };
  return await action.run({ inputs: inputs.own, settings: configuration }, { ...platform, identity });
}

function configurationOf({ result, request }: ConfigurationCall, run: Run): Configuration {
  if (!result.ok) throw new InvalidConfiguration(result.problems, request.file);
  for (const { path, message } of result.warnings) run.findings.push(configurationFinding(path, message));
  return result.configuration;
}

async function readConfiguration(
  inputs: RunnerInputs,
  run: Run,
  platform: Platform,
  host: GithubHost,
  mayLack: boolean,
): Promise<ConfigurationCall> {
  const folder = resolve(host.cwd, inputs.workingDirectory);
  // What reads YAML is loaded where it is needed: not every action has a configuration.
  const { readConfigurationFile } = await import('./configuration-file.ts');
  const { loadGoverned } = await import('./governed-configuration.ts');
  const file = await readConfigurationFile(inputs.config, folder, platform.files);
  const workspace = host.env['GITHUB_WORKSPACE'] ?? host.cwd;
  run.file = { path: file.path, shown: file.shown, workspace, loaded: undefined };
  const governed = await loadGoverned(file, inputs, run.secrets, host, mayLack);
  const { result } = governed.call;
  run.findings.push(...governed.findings);
  if (result.ok) {
    const { project, environment, secretValues } = result.configuration;
    run.subject = { project, environment };
    run.mask = createMask({ ...run.secrets, ...secretValues });
    run.file = { ...run.file, loaded: result };
  }
  return governed.call;
}

function configurationFinding(path: string, message: string): Finding {
  const told = { check: 'configuration', layer: 'release', outcome: 'warn', severity: 'low', message } as const;
  return path === '' ? told : { ...told, path };
}

function tellFailure(failure: Failure, error: unknown, name: string, run: Run, runner: Runner): void {
  runner.info(defuseCommands(cleanCode(failureText(failure, name, undefined), run.mask).trimEnd()));
  if (failure.isBug) {
    runner.openGroup('What a maintainer needs to know');
    runner.info(defuseCommands(cleanCode(stackOf(error), run.mask)));
    runner.closeGroup();
  }
  if (error instanceof InvalidConfiguration && run.file !== undefined) {
    annotateProblems('error', error.problems, run.file, run.mask, runner);
  }
}

/** The same on every path: outputs, report, summary, and a failed step when the decision is to stop. */
async function deliver(report: Report, name: string, run: Run, host: GithubHost): Promise<void> {
  const { runner } = host;
  const { mask } = run;
  const text = (value: string) => oneLine(cleanText(value, mask));
  const path = await attempt('the report was not written', run, runner, () => writeReport(report, name, run, host));
  runner.output('decision', report.decision);
  runner.output('reason', text(report.reason));
  runner.output('release', text(report.subject.release ?? ''));
  runner.output('live-version', text(liveVersionOf(report)));
  runner.output('summary', text(report.summary));
  runner.output('report', path ?? '');
  runner.output('record', recordOutput(report, mask));
  await attempt('the summary was not written', run, runner, async () => {
    if ((host.env['GITHUB_STEP_SUMMARY'] ?? '') === '') return;
    const { renderMarkdown } = await import('../report/markdown.ts');
    await runner.summarize(renderMarkdown(report, { mask, blocks: run.blocks }));
  });
  await attempt('the report was not kept as an artifact', run, runner, () => keepReport(report, run));
  runner.info(defuseCommands(`${name}: ${report.decision} (${text(report.reason)}): ${text(report.summary)}`));
  if (run.hasFailed ?? report.decision === 'stop') runner.fail(text(report.summary));
}

function liveVersionOf({ record }: Report): string {
  const live = record?.['live'];
  if (typeof live !== 'object' || live === null || Array.isArray(live)) return '';
  return typeof live['version'] === 'string' ? live['version'] : '';
}

/** Where artifacts of the job can pick it up. */
async function writeReport(report: Report, name: string, run: Run, host: GithubHost): Promise<string> {
  const { renderJson } = await import('../report/json.ts');
  // What failed before there was a platform is reported too.
  const { files, random } =
    run.platform ?? host.platform(runnerLog(host.runner, { ...host, mask: run.mask }), host.signal);
  const folder = resolve(host.cwd, host.env['RUNNER_TEMP'] ?? '.');
  const path = join(folder, `holdfast-${name}-${random.hex(4)}.json`);
  await files.write(path, renderJson(report, { mask: run.mask }), 0o600);
  return path;
}

/** Whoever reads the repository can download it: nothing is in it but what is printed. */
async function keepReport(report: Report, { keepsReport, platform, mask }: Run): Promise<void> {
  if (keepsReport !== true || platform?.workflow === undefined) return;
  const { files, workflow } = platform;
  const { renderJson } = await import('../report/json.ts');
  const folder = await files.makeTemporary('holdfast-report-');
  try {
    await files.write(join(folder, 'report.json'), renderJson(report, { mask }), 0o600);
    const name = mask(artifactName('report', report.subject, workflow.run.attempt));
    await workflow.artifacts.upload(name, folder, ['report.json']);
  } finally {
    await files.remove(folder);
  }
}

/** What tells of a result must not change it. */
async function attempt<T>(what: string, run: Run, runner: Runner, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    runner.annotate('warning', oneLine(cleanText(`${what}: ${errorMessage(error)}`, run.mask)), 'holdfast');
    return undefined;
  }
}
