import { Command, CommanderError, Help, Option } from 'commander';
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { ACTION_GROUPS } from '../core/action.ts';
import { UserError } from '../core/errors.ts';
import type { CliAction } from './cli-action.ts';
import { type Flag, flagsOf, parseInputs } from './inputs.ts';

/** The flags that every command has. */
const CommonOptions = z.object({
  config: z.string().optional(),
  environment: z.string().optional(),
  service: z.string().optional(),
  set: z.array(z.string()).prefault([]),
  json: z.boolean().prefault(false),
  quiet: z.boolean().prefault(false),
  verbose: z.boolean().prefault(false),
  color: z.boolean().prefault(true),
  yes: z.boolean().prefault(false),
});
export type CommonOptions = z.infer<typeof CommonOptions>;

/** What the user asked for: a text (help, the version), or one run of one action. */
export type Request =
  | { readonly kind: 'print'; readonly text: string; readonly isError: boolean }
  | {
      readonly kind: 'run';
      readonly action: CliAction;
      readonly inputs: Record<string, unknown>;
      readonly options: CommonOptions;
    };

/**
 * Reads a command line (without node and program name). Touches nothing.
 * Throws UserError `usage` for what is not there, with what may have been meant, and `inputs` for wrong values.
 */
export function parseCommandLine(
  argv: readonly string[],
  actions: readonly CliAction[],
  tool: { readonly version: string; readonly width: number },
): Request {
  // Only here: after a command, `--version` is the version that is released.
  if (argv[0] === '--version' || argv[0] === '-V') return { kind: 'print', text: `${tool.version}\n`, isError: false };
  let printed = '';
  let request: Request | undefined;
  const print = (text: string) => {
    printed += text;
  };
  const program = buildProgram(actions, { width: tool.width, print }, (action, given) => {
    const options = CommonOptions.parse(program.opts());
    const inputs = parseInputs(action, { ...commonInputs(action, options), ...given });
    request = { kind: 'run', action, inputs, options };
  });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for has status 0; help because a command is missing has not.
    if (printed !== '') return { kind: 'print', text: printed, isError: error.exitCode !== 0 };
    throw usageError(error, argv, program);
  }
  return request ?? { kind: 'print', text: program.helpInformation(), isError: true };
}

/** Flags of every command that are inputs of the actions that have an input of that name. */
export const SHARED_INPUTS = ['service', 'yes'];

function commonInputs(action: CliAction, options: CommonOptions): Record<string, unknown> {
  const names = Object.keys(action.inputs.shape);
  if (options.service !== undefined && !names.includes('service')) {
    throw new UserError('usage', `"${action.name}" is about all services and takes no --service`);
  }
  return {
    ...(options.service === undefined ? {} : { service: options.service }),
    ...(names.includes('yes') && options.yes ? { yes: true } : {}),
  };
}

/** Whether the user wants JSON, even when the rest of the command line cannot be read. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/** The tree of commands. `chosen` is called with the values as typed. */
export function buildProgram(
  actions: readonly CliAction[],
  out: { readonly width: number; readonly print: (text: string) => void },
  chosen: (action: CliAction, given: Record<string, unknown>) => void,
): Command {
  const program = new Command('holdfast');
  program
    .description(
      'Safe production deployments: backed up with a proven restore, validated, rolled back with their data.',
    )
    .usage('COMMAND [OPTIONS]')
    .exitOverride()
    .configureOutput({
      writeOut: out.print,
      writeErr: out.print,
      outputError: () => {},
      getOutHelpWidth: () => out.width,
      getErrHelpWidth: () => out.width,
    })
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => command.name(),
      formatHelp: (command, helper) => optionsLast(Help.prototype.formatHelp.call(helper, command, helper)),
    })
    .helpCommand('help', 'the help of a command')
    .helpOption('-h, --help', 'what a command does, and its options')
    .addHelpText('after', '\n"holdfast COMMAND --help" tells more; "holdfast --version" tells which Holdfast this is.');
  for (const option of commonOptions()) program.addOption(option);
  const ordered = ACTION_GROUPS.flatMap((group) => actions.filter((action) => (action.group ?? 'Other') === group));
  for (const action of ordered) addAction(program, action, chosen);
  for (const group of program.commands) describeGroup(group);
  return program;
}

/** The flags of every command, in the order of help. */
export function commonOptions(): readonly Option[] {
  const collect = (value: string, before?: readonly string[]) => [...(before ?? []), value];
  return [
    new Option('-c, --config <FILE>', 'the configuration; holdfast.yml here or in a folder above by default'),
    new Option('-e, --environment <NAME>', 'the only one there is by default, else "local"'),
    new Option('--service <NAME>', 'this service alone; the others are carried over from the live release'),
    new Option('--set <KEY=VALUE>', 'sets one value of the configuration; may be given several times').argParser(
      collect,
    ),
    new Option('--json', 'one JSON report on standard output, and nothing else there'),
    new Option('--quiet', 'no progress'),
    new Option('--verbose', 'more progress, and the stack of a failure'),
    new Option('--no-color', 'plain text, as NO_COLOR also asks for'),
    new Option('--yes', 'asks nothing'),
  ];
}

function addAction(
  program: Command,
  action: CliAction,
  chosen: (action: CliAction, given: Record<string, unknown>) => void,
): void {
  const [first = '', second] = action.name.split(' ');
  const heading = `${action.group ?? 'Other'}:`;
  const outer = program.commands.find((command) => command.name() === first) ?? program.command(first);
  if (outer.helpGroup() === '') outer.helpGroup(heading);
  const command =
    second === undefined ? outer : outer.helpCommand(false).command(second, { isDefault: action.alsoCalled === first });
  command.summary(action.summary).description(sentenceOf(action));
  const flags = flagsOf(action.inputs);
  const positional = (action.positional ?? []).map((name) => required(flags, name, action.name));
  for (const flag of positional) {
    command.argument(flag.form === 'list' ? `[${flag.name}...]` : `[${flag.name}]`, flag.description);
  }
  const byOption = new Map<string, string>();
  for (const flag of flags.filter((one) => !positional.includes(one) && !SHARED_INPUTS.includes(one.name))) {
    const option = optionOf(flag);
    byOption.set(option.attributeName(), flag.name);
    command.addOption(option);
  }
  command.usage([...positional.map(usageOf), '[OPTIONS]'].join(' '));
  const examples = (action.examples ?? []).map((example) => `  holdfast ${example}`);
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  command.action(() => {
    const given: Record<string, unknown> = {};
    for (const [index, flag] of positional.entries()) {
      const value: unknown = command.processedArgs[index];
      if (value !== undefined && !(Array.isArray(value) && value.length === 0)) given[flag.name] = value;
    }
    const options: Record<string, unknown> = command.opts();
    for (const [attribute, name] of byOption) {
      // What was not typed is left to the schema, which knows the defaults.
      if (command.getOptionValueSource(attribute) === 'cli') given[name] = options[attribute];
    }
    chosen(action, given);
  });
}

/** The summary, which stands in lists, as a sentence. */
export function sentenceOf({ summary }: Pick<CliAction, 'summary'>): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1).replace(/[.]$/, '')}.`;
}

function required(flags: readonly Flag[], name: string, action: string): Flag {
  const flag = flags.find((one) => one.name === name);
  if (flag === undefined) throw new Error(`the action "${action}" takes "${name}" by position but has no such input`);
  return flag;
}

function usageOf(flag: Flag): string {
  const shown = flag.form === 'list' ? `-- ${flag.placeholder}...` : flag.placeholder;
  return flag.required ? shown : `[${shown}]`;
}

function optionOf(flag: Flag): Option {
  const notes = [
    flag.allowed.length > 0 ? `one of ${flag.allowed.join(', ')}` : '',
    flag.fallback !== undefined && flag.form !== 'switch' ? `default ${flag.fallback}` : '',
    flag.required ? 'required' : '',
  ].filter((note) => note !== '');
  const text = notes.length === 0 ? flag.description : `${flag.description} (${notes.join('; ')})`;
  if (flag.form === 'switch') return new Option(flag.fallback === true ? `--no-${flag.name}` : `--${flag.name}`, text);
  const option = new Option(`--${flag.name} <${flag.placeholder}>`, text);
  if (flag.form === 'list') option.argParser((value: string, before?: string[]) => [...(before ?? []), value]);
  return option;
}

/** A group like `lock` has no summary of its own: it tells what stands below it. */
function describeGroup(command: Command): void {
  if (command.commands.length === 0) return;
  const names = command.commands.map((sub) => sub.name()).join(', ');
  if (command.summary() === '') command.summary(names).description('').usage('COMMAND [OPTIONS]');
  else command.summary(`${command.summary()} (also: ${names})`);
}

/** Commands before options: who reads help looks for the command first. */
function optionsLast(help: string): string {
  const blocks = help.trimEnd().split('\n\n');
  const isOptions = (block: string) => /^(?:Global )?Options:/.test(block);
  const ordered = [...blocks.filter((block) => !isOptions(block)), ...blocks.filter(isOptions)];
  return `${ordered.join('\n\n')}\n`;
}

/** `error: unknown option '--jso'\n(Did you mean --json?)` as one sentence and a hint. */
function usageError(error: CommanderError, argv: readonly string[], program: Command): UserError {
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const meant = /Did you mean (?:one of )?(.*)\?/.exec(more.join(' '))?.[1];
  const sentence = unknownBelow(argv, program) ?? (meant === undefined ? first : `${first}; did you mean ${meant}?`);
  return new UserError('usage', sentence, { hint: 'See "holdfast --help".' });
}

/** A word that follows a group like `lock` and is none of its commands: its default command would call it one argument too many. */
function unknownBelow(argv: readonly string[], program: Command): string | undefined {
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  const names = program.commands.find((command) => command.name() === first)?.commands.map((sub) => sub.name()) ?? [];
  if (second === undefined || names.length === 0 || names.includes(second)) return undefined;
  const near = closest(second, names);
  const advice = distance(second, near) <= 2 ? `did you mean "${first} ${near}"?` : `there is ${names.join(', ')}`;
  return `unknown command "${first} ${second}"; ${advice}`;
}
