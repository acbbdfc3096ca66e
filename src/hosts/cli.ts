import { join } from 'node:path';
import type { ConfigurationCall } from '../config/commands.ts';
import type { LoadResult } from '../config/load.ts';
import { InvalidConfiguration } from '../config/problem.ts';
import { UserError } from '../core/errors.ts';
import { EXIT, exitCodeOf, Report, type Subject } from '../core/report.ts';
import type { Log } from '../platform/log.ts';
import type { Platform } from '../platform/platform.ts';
import { renderJson } from '../report/json.ts';
import { createMask } from '../report/mask.ts';
import { renderReport } from '../report/terminal.ts';
import { cleanCode, cleanText, type Mask } from '../report/text.ts';
import type { CliAction } from './cli-action.ts';
import { asksForJson, type CommonOptions, parseCommandLine } from './command-line.ts';
import { listedSecrets, loadConfigurationFile, readConfigurationFile } from './configuration-file.ts';
import { failureOf, failureReport, failureText, stackOf } from './failure.ts';
import { keepPage } from './page.ts';
import { terminalLog } from './terminal-log.ts';

/** Where text goes: standard output, standard error, or a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The process around one command. */
export interface CliHost {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Of Holdfast itself. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Fires when the user wants the run to end. */
  readonly signal: AbortSignal;
  readonly platform: (log: Log, signal: AbortSignal) => Platform;
}

/** What is known of the run so far: it may fail at any moment and must still be told rightly. */
interface Run {
  action: string;
  subject: Subject;
  mask: Mask;
  closeLog: () => void;
  platform?: Platform;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly startedAtMs: number;
}

const DEFAULT_WIDTH = 100;

/**
 * Runs one command line and answers its exit code; never rejects. Standard output gets the result (with `--json` one
 * report and nothing else, also when it failed), standard error everything else. Secrets are masked in both.
 */
export async function runCli(argv: readonly string[], actions: readonly CliAction[], host: CliHost): Promise<number> {
  const run: Run = {
    action: 'holdfast',
    subject: { project: '', environment: '' },
    mask: (text) => text,
    closeLog: () => {},
    json: asksForJson(argv),
    verbose: argv.includes('--verbose'),
    startedAtMs: host.now(),
  };
  try {
    const request = parseCommandLine(argv, actions, { version: host.version, width: widthOf(host.stdout) });
    if (request.kind === 'print') {
      (request.isError ? host.stderr : host.stdout).write(request.text);
      if (request.isError && run.json) throw new UserError('usage', 'no command is named');
      return request.isError ? EXIT.user : EXIT.proceed;
    }
    const report = Report.parse(await runAction(request.action, request.inputs, request.options, run, host));
    const page = run.platform === undefined ? undefined : await keepPage(report, run.mask, run.platform);
    run.closeLog();
    printReport(report, request.action, request.options, run, host);
    if (page !== undefined && !request.options.quiet) host.stderr.write(`report: ${page}\n`);
    const code = exitCodeOf(report);
    // Undone or finished, it ended because somebody wanted it to end; only "a person is needed" outweighs that.
    return host.signal.aborted && code !== EXIT.unsafe ? EXIT.interrupted : code;
  } catch (error) {
    run.closeLog();
    return await printFailure(error, run, host);
  } finally {
    await run.platform?.ending.run();
  }
}

async function runAction(
  action: CliAction,
  inputs: Record<string, unknown>,
  options: CommonOptions,
  run: Run,
  host: CliHost,
): Promise<Report> {
  run.action = action.name;
  const isTerminal = host.stderr.isTTY === true && host.env['TERM'] !== 'dumb';
  const log = terminalLog({
    stream: host.stderr,
    isTerminal,
    colour: hasColour(host.stderr, options, host),
    width: widthOf(host.stderr),
    now: host.now,
    level: options.quiet ? 'quiet' : options.verbose ? 'verbose' : 'normal',
    // Looked up at each line: the secrets are known only once the configuration has been read.
    mask: (text) => run.mask(text),
  });
  run.closeLog = () => log.close();
  const platform = host.platform(log, host.signal);
  run.platform = platform;
  if (action.settings === 'none') return await action.run({ inputs, settings: undefined }, platform);
  const raw = await readConfiguration(options, run, platform, host);
  if (action.settings === 'raw') return await action.run({ inputs, settings: raw }, platform);
  const result = action.withoutSecrets === true ? await orSealed(raw) : raw.result;
  if (!result.ok) throw new InvalidConfiguration(result.problems, raw.request.file);
  for (const warning of result.warnings) log.warn(`${warning.path}: ${warning.message}`);
  return await action.run({ inputs, settings: result.configuration }, platform);
}

/** Whoever looks, or goes back, may lack the secrets of a release: then they are known by name only. */
async function orSealed({ request, result }: ConfigurationCall): Promise<LoadResult> {
  if (result.ok) return result;
  const { loadConfiguration } = await import('../config/load.ts');
  const sealed = loadConfiguration({ ...request, sealed: true });
  return sealed.ok ? sealed : result;
}

/** Masks what the file calls secret before anything of it can be printed. */
async function readConfiguration(
  options: CommonOptions,
  run: Run,
  platform: Platform,
  host: CliHost,
): Promise<ConfigurationCall> {
  const file = await readConfigurationFile(options.config, host.cwd, platform.files);
  run.mask = createMask(listedSecrets(file.bytes, host.env));
  const raw = await loadConfigurationFile(file, options, host.env);
  if (raw.result.ok) {
    const { project, environment, secretValues } = raw.result.configuration;
    run.subject = { project, environment };
    run.mask = createMask({ ...listedSecrets(file.bytes, host.env), ...secretValues });
  }
  return raw;
}

function printReport(report: Report, action: CliAction, options: CommonOptions, run: Run, host: CliHost): void {
  const { mask } = run;
  if (run.json) {
    host.stdout.write(renderJson(report, { mask }));
    return;
  }
  if (action.bare !== undefined && report.decision === 'proceed') {
    host.stdout.write(mask(action.bare(report)));
    return;
  }
  const blocks = action.present?.(report) ?? [];
  const colour = hasColour(host.stdout, options, host);
  host.stdout.write(renderReport(report, { blocks, mask, colour, width: widthOf(host.stdout) }));
  if (action.closingLine !== undefined) host.stdout.write(`${cleanText(action.closingLine(report), mask)}\n`);
}

/** The one catch: whatever was thrown becomes a text, a report and an exit code. */
async function printFailure(error: unknown, run: Run, host: CliHost): Promise<number> {
  const failure = failureOf(error);
  const { mask } = run;
  const details = failure.isBug ? await writeDetails(error, run, host) : undefined;
  host.stderr.write(cleanCode(failureText(failure, run.action, details), mask));
  if (run.verbose) host.stderr.write(`${cleanCode(stackOf(error), mask)}\n`);
  if (run.json) {
    const { action, subject, startedAtMs } = run;
    const report = failureReport(failure, { action, subject, startedAtMs, finishedAtMs: host.now() });
    host.stdout.write(renderJson(report, { mask }));
  }
  return failure.exitCode;
}

/** A file that only its owner can read, with what a maintainer needs to find the bug. Undefined when it cannot be written. */
async function writeDetails(error: unknown, run: Run, host: CliHost): Promise<string | undefined> {
  const lines = [`holdfast ${host.version}`, `command: ${run.action}`, run.mask(stackOf(error)), ''];
  try {
    const folder = await run.platform?.files.makeTemporary('holdfast-bug-');
    if (folder === undefined) return undefined;
    const path = join(folder, 'details.txt');
    await run.platform?.files.write(path, lines.join('\n'), 0o600);
    return path;
  } catch {
    // The bug is what must be told; that its details have no place must not hide it.
    return undefined;
  }
}

function hasColour(output: Output, options: CommonOptions, host: CliHost): boolean {
  const refused = !options.color || (host.env['NO_COLOR'] ?? '') !== '' || host.env['TERM'] === 'dumb';
  return output.isTTY === true && !refused;
}

function widthOf(output: Output): number {
  return output.columns ?? DEFAULT_WIDTH;
}
