import { z } from 'zod';
import type { Action } from '../core/action.ts';
import type { Finding } from '../core/finding.ts';
import { composeReport, type Subject } from '../core/report.ts';
import { environmentTemplate } from './environment-template.ts';
import { checkConfiguration, type LoadRequest, type LoadResult } from './load.ts';
import { InvalidConfiguration, type Problem } from './problem.ts';
import { configurationSchema } from './schema.ts';
import { redactedConfiguration, showConfiguration } from './show.ts';

/** The file as it was asked for, and what became of it. */
export interface ConfigurationCall {
  readonly request: LoadRequest;
  readonly result: LoadResult;
}

/** The one effect of these commands. */
export interface Now {
  readonly clock: { now(): number };
}

const inputs = z.strictObject({});

/** All that is wrong with the file, of every environment. Throws InvalidConfiguration when there is something. */
export const configCheck: Action<typeof inputs, ConfigurationCall, Now, 'raw'> = {
  name: 'config check',
  summary: 'reads the configuration of every environment and lists all that is wrong with it',
  group: 'Configuration',
  settings: 'raw',
  inputs,
  reasons: ['configuration-valid', 'configuration'],
  async run({ settings: { request, result } }, { clock }) {
    const startedAt = clock.now();
    const { environments, problems, warnings } = checkConfiguration(request);
    if (problems.length > 0) throw new InvalidConfiguration(problems, request.file);
    return composeReport(
      'config check',
      subjectOf(request, result),
      { startedAt, finishedAt: clock.now() },
      {
        reason: 'configuration-valid',
        summary: `${request.file} is valid for ${environments.join(', ')}${warnings.length === 0 ? '' : `, ${warnings.length} to look at`}`,
        findings: warnings.map((warning) => findingOf(warning)),
        record: { environments: [...environments] },
      },
    );
  },
};

/** The resolved configuration of one environment, secrets redacted, with the origin of each value. */
export const configShow: Action<typeof inputs, ConfigurationCall, Now, 'raw'> = {
  name: 'config show',
  summary: 'shows the resolved configuration of an environment and where each value comes from',
  group: 'Configuration',
  settings: 'raw',
  inputs,
  reasons: ['configuration-shown'],
  async run({ settings: { request, result } }, { clock }) {
    const startedAt = clock.now();
    if (!result.ok) throw new InvalidConfiguration(result.problems, request.file);
    const text = showConfiguration(result, request.file);
    return composeReport(
      'config show',
      subjectOf(request, result),
      { startedAt, finishedAt: clock.now() },
      {
        reason: 'configuration-shown',
        summary: `the configuration of ${result.configuration.environment}`,
        findings: result.warnings.map((warning) => findingOf(warning)),
        record: { ...redactedConfiguration(result, request.file), text },
      },
    );
  },
  bare: (report) => textOf(report.record),
};

/** The JSON schema of the file, for editors. Needs no file. */
export const configSchema: Action<typeof inputs, undefined, Now> = {
  name: 'config schema',
  summary: 'prints the JSON schema of the configuration',
  group: 'Configuration',
  settings: 'none',
  inputs,
  reasons: ['schema'],
  async run(_, { clock }) {
    const startedAt = clock.now();
    const schema = configurationSchema();
    const subject = { project: '', environment: '' };
    return composeReport(
      'config schema',
      subject,
      { startedAt, finishedAt: clock.now() },
      {
        reason: 'schema',
        summary: 'the JSON schema of the configuration',
        record: { schema, text: JSON.stringify(schema, undefined, 2) },
      },
    );
  },
  bare: (report) => textOf(report.record),
};

/** A template of the secrets and variables that the file reads. Works for a file that is not valid yet. */
export const configEnv: Action<typeof inputs, ConfigurationCall, Now, 'raw'> = {
  name: 'config env',
  summary: 'prints a template of the secrets and variables that the configuration reads',
  group: 'Configuration',
  settings: 'raw',
  inputs,
  reasons: ['environment-template'],
  async run({ settings: { request, result } }, { clock }) {
    const startedAt = clock.now();
    const text = environmentTemplate(request.bytes, request.file);
    return composeReport(
      'config env',
      subjectOf(request, result),
      { startedAt, finishedAt: clock.now() },
      {
        reason: 'environment-template',
        summary: `what ${request.file} reads from outside`,
        record: { text },
      },
    );
  },
  bare: (report) => textOf(report.record),
};

/** What a finding says about one warning: its place is in the message, because a finding has no line. */
function findingOf({ file, line, path, message }: Problem): Finding {
  return {
    check: 'configuration',
    layer: 'release',
    outcome: 'warn',
    severity: 'low',
    message: line === 0 ? `${file}: ${message}` : `${file}:${line}: ${message}`,
    ...(path === '' ? {} : { path }),
  };
}

function subjectOf(request: LoadRequest, result: LoadResult): Subject {
  if (!result.ok) return { project: '', environment: request.environment ?? '' };
  const { project, environment } = result.configuration;
  return { project, environment };
}

function textOf(record: unknown): string {
  const { text } = z.looseObject({ text: z.string() }).parse(record);
  return text.endsWith('\n') ? text : `${text}\n`;
}
