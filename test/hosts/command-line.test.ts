import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { UserError } from '../../src/core/errors.ts';
import type { CliAction } from '../../src/hosts/cli-action.ts';
import { parseCommandLine } from '../../src/hosts/command-line.ts';
import { anAction } from './actions.ts';

const ACTIONS: readonly CliAction[] = [
  anAction({
    name: 'release',
    summary: 'Brings a version live',
    group: 'Release',
    examples: ['release --version v2'],
    inputs: z.strictObject({
      version: z
        .string()
        .regex(/^\w+$/, { error: 'expected letters and digits' })
        .meta({ description: 'what to release' }),
      'without-proof': z.string().optional().meta({ placeholder: 'REASON', description: 'deploys without a proof' }),
      keep: z.int().min(1, { error: 'expected at least 1' }).prefault(3),
      quickly: z.boolean().prefault(false),
      wait: z.boolean().prefault(true),
      data: z.enum(['restore', 'keep']).optional(),
      tag: z.array(z.string()).prefault([]),
      service: z.string().optional(),
    }),
  }),
  anAction({ name: 'backup create', alsoCalled: 'backup', inputs: z.strictObject({ label: z.string().optional() }) }),
  anAction({ name: 'backup list' }),
  anAction({ name: 'alert', inputs: z.strictObject({ yes: z.boolean().prefault(false) }) }),
  anAction({ name: 'alert test' }),
  anAction({ name: 'config check' }),
  anAction({
    name: 'run',
    positional: ['service', 'command'],
    inputs: z.strictObject({ service: z.string(), command: z.array(z.string()) }),
  }),
];

const TOOL = { version: '1.2.3', width: 100 };

function parse(line: string) {
  return parseCommandLine(
    line.split(' ').filter((word) => word !== ''),
    ACTIONS,
    TOOL,
  );
}

function parsedRun(line: string) {
  const request = parse(line);
  if (request.kind !== 'run') throw new Error(`"${line}" ran nothing but printed: ${request.text}`);
  return { name: request.action.name, inputs: request.inputs, options: request.options };
}

function errorOf(line: string): UserError {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`"${line}" was accepted`);
}

const DEFAULTS = { keep: 3, quickly: false, wait: true, tag: [] };

describe('parseCommandLine', () => {
  it.each([
    { line: 'release --version v2', name: 'release', inputs: { ...DEFAULTS, version: 'v2' } },
    { line: 'release --version=v2 --keep 4', name: 'release', inputs: { ...DEFAULTS, version: 'v2', keep: 4 } },
    { line: 'release --version 12', name: 'release', inputs: { ...DEFAULTS, version: '12' } },
    {
      line: 'release --version v2 --without-proof empty --quickly --no-wait --data keep --tag a --tag b',
      name: 'release',
      inputs: {
        version: 'v2',
        'without-proof': 'empty',
        keep: 3,
        quickly: true,
        wait: false,
        data: 'keep',
        tag: ['a', 'b'],
      },
    },
    {
      line: '--service api release --version v2',
      name: 'release',
      inputs: { ...DEFAULTS, version: 'v2', service: 'api' },
    },
    { line: 'backup', name: 'backup create', inputs: {} },
    { line: 'backup --label nightly', name: 'backup create', inputs: { label: 'nightly' } },
    { line: 'backup create --label nightly', name: 'backup create', inputs: { label: 'nightly' } },
    { line: 'backup list', name: 'backup list', inputs: {} },
    { line: 'alert', name: 'alert', inputs: { yes: false } },
    { line: 'alert --yes', name: 'alert', inputs: { yes: true } },
    { line: 'alert test', name: 'alert test', inputs: {} },
    { line: 'run api -- ls -la --json', name: 'run', inputs: { service: 'api', command: ['ls', '-la', '--json'] } },
  ])('reads: $line', ({ line, name, inputs }) => {
    expect(parsedRun(line)).toMatchObject({ name, inputs });
    expect(Object.keys(parsedRun(line).inputs).sort()).toEqual(Object.keys(inputs).sort());
  });

  it('takes the flags of every command before and after it', () => {
    const { options } = parsedRun('--json -e production backup list -c other.yml --set a.b=1 --set c=2 --no-color');

    expect(options).toEqual({
      config: 'other.yml',
      environment: 'production',
      set: ['a.b=1', 'c=2'],
      json: true,
      quiet: false,
      verbose: false,
      color: false,
      yes: false,
    });
  });

  it.each([
    { line: 'relase', code: 'usage', message: "unknown command 'relase'; did you mean release?" },
    { line: 'config chek', code: 'usage', message: 'unknown command "config chek"; did you mean "config check"?' },
    { line: 'backup lst', code: 'usage', message: 'unknown command "backup lst"; did you mean "backup list"?' },
    { line: 'backup foo', code: 'usage', message: 'unknown command "backup foo"; there is create, list' },
    { line: 'release --versoin v2', code: 'usage', message: "unknown option '--versoin'; did you mean --version?" },
    { line: 'release --jso', code: 'usage', message: "unknown option '--jso'; did you mean --json?" },
    {
      line: 'backup list --service api',
      code: 'usage',
      message: '"backup list" is about all services and takes no --service',
    },
    { line: 'release', code: 'inputs', message: 'release: --version is missing' },
    { line: 'run', code: 'inputs', message: 'run: SERVICE is missing; COMMAND is missing' },
    {
      line: 'release --version v! --keep 0',
      code: 'inputs',
      message: 'release: --version "v!": expected letters and digits; --keep "0": expected at least 1',
    },
    {
      line: 'release --version v1 --keep many --data lose',
      code: 'inputs',
      message: expect.stringMatching(/^release: --keep "many": .*; --data "lose": .*"restore"\|"keep"/),
    },
  ])('refuses: $line', ({ line, code, message }) => {
    const error = errorOf(line);

    expect({ code: error.code, message: error.message }).toEqual({ code, message });
    expect(error.hint === undefined || error.hint.includes('--help')).toBe(true);
  });

  it('prints its own version only where no command has been named', () => {
    expect(parse('--version')).toEqual({ kind: 'print', text: '1.2.3\n', isError: false });
    expect(parsedRun('release --version v2').inputs).toMatchObject({ version: 'v2' });
  });

  it('prints help when asked, and as an error when a command is missing', () => {
    expect(parse('--help')).toMatchObject({ kind: 'print', isError: false });
    expect(parse('')).toMatchObject({ kind: 'print', isError: true });
    expect(parse('config')).toMatchObject({ kind: 'print', isError: true });
    expect(parse('config --help')).toMatchObject({ kind: 'print', isError: false });
  });

  it('groups commands in help and says what each does', () => {
    const request = parse('--help');

    expect(request.kind === 'print' && request.text).toMatch(/Release:\n +release +Brings a version live\n/);
  });

  it('shows inputs, defaults and examples in the help of a command', () => {
    const request = parse('release --help');
    const text = request.kind === 'print' ? request.text : '';

    expect(text).toMatch(/--version <VERSION> +what to release \(required\)/);
    expect(text).toMatch(/--without-proof <REASON> +deploys without a proof/);
    expect(text).toMatch(/--keep <KEEP> +\(default 3\)/);
    expect(text).toMatch(/--data <DATA> +\(one of restore, keep\)/);
    expect(text).toContain('--no-wait');
    expect(text).toContain('Examples:\n  holdfast release --version v2');
  });

  it('says so when an action names an input by position that it does not have', () => {
    const broken = anAction({ name: 'show', positional: ['release'] });

    expect(() => parseCommandLine(['show'], [broken], TOOL)).toThrow('takes "release" by position');
  });
});
