import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { loadConfiguration } from '../config/load.ts';
import { InvalidConfiguration } from '../config/problem.ts';
import type { ReadableConfiguration } from '../config/readable.ts';
import { errorMessage } from '../core/errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { PolicySource } from './governed-configuration.ts';
import type { RunnerInputs } from './runner-inputs.ts';

/** Name of the secret that holds the webhook of last resort. */
const WEBHOOK = 'HOLDFAST_ALERT_WEBHOOK';

export interface ReadingJob {
  readonly inputs: RunnerInputs;
  readonly secrets: Readonly<Record<string, string>>;
  readonly platform: Pick<Platform, 'workflow'>;
  readonly source: PolicySource;
  /** Loads the configuration of this run, as every other action does. Throws when it cannot. */
  readonly own: () => Promise<Configuration>;
}

/**
 * The first configuration that can be read: that of this run, the one on the default branch, the one of the last release
 * that became good. Never throws.
 */
export async function readReadable(job: ReadingJob): Promise<ReadableConfiguration> {
  const environment = job.inputs.environment ?? 'local';
  const found = { environment, webhook: job.secrets[WEBHOOK] };
  let problem: string;
  try {
    return { ...found, readable: await job.own(), instead: undefined, problem: undefined };
  } catch (error) {
    const problems = error instanceof InvalidConfiguration ? error.problems : undefined;
    const [first] = problems ?? [];
    problem = first === undefined ? errorMessage(error) : `${first.file}:${first.line} ${first.path} ${first.message}`;
  }
  for (const [instead, read] of elsewhere(job)) {
    const bytes = await read().catch(() => undefined);
    const readable = bytes === undefined ? undefined : load(bytes, job);
    if (readable !== undefined) return { ...found, readable, instead, problem };
  }
  return { ...found, readable: undefined, instead: undefined, problem };
}

function elsewhere(job: ReadingJob): [string, () => Promise<Uint8Array | undefined>][] {
  const path = pathInRepository(job);
  if (path === undefined) return [];
  const { source, inputs } = job;
  return [
    [
      'the one on the default branch',
      async () => (await source.readPolicy(path, inputs.githubToken, source.signal)).bytes,
    ],
    ['the one of the last good release', () => readLastGood(path, job)],
  ];
}

/** At the commit of the newest deployment that was a success. */
async function readLastGood(path: string, { platform: { workflow }, inputs }: ReadingJob) {
  if (workflow === undefined) return undefined;
  for (const { id, commit } of await workflow.deployments.list(inputs.environment ?? 'local')) {
    if ((await workflow.deployments.states(id)).includes('success')) return workflow.readFile(path, commit);
  }
  return undefined;
}

function load(bytes: Uint8Array, { inputs, secrets, source }: ReadingJob): Configuration | undefined {
  const result = loadConfiguration({
    bytes,
    file: inputs.config,
    directory: dirname(resolve(source.cwd, inputs.workingDirectory, inputs.config)),
    ...(inputs.environment === undefined ? {} : { environment: inputs.environment }),
    secrets,
    variables: inputs.variables,
    overrides: [],
    sealed: true,
  });
  return result.ok ? result.configuration : undefined;
}

function pathInRepository({ inputs, source: { cwd, env } }: ReadingJob): string | undefined {
  const path = relative(env['GITHUB_WORKSPACE'] ?? cwd, resolve(cwd, inputs.workingDirectory, inputs.config));
  return path.startsWith('..') || isAbsolute(path) ? undefined : path;
}
