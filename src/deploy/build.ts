import { isAbsolute, join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { formatDuration } from '../core/duration.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import { sealedNames } from '../core/sealed.ts';
import type { Platform } from '../platform/platform.ts';

/** What building needs to know of a configuration. */
export type BuildSettings = Pick<Configuration, 'services' | 'directory' | 'secretPaths'>;

/** Which services are deployed: all, or `only` one and those that cannot be carried over. */
export interface Choice {
  readonly only: string | undefined;
  readonly carried: (service: string) => boolean;
}

type BuildPlatform = Pick<Platform, 'files' | 'identity' | 'log' | 'processes' | 'signal'>;

/**
 * Builds what has to be built and answers the artifact of each chosen service as an absolute path. Throws UserError when
 * one is missing: nothing has been touched by then.
 */
export async function buildArtifacts(
  settings: BuildSettings,
  choice: Choice,
  platform: BuildPlatform,
): Promise<Map<string, string>> {
  const artifacts = new Map<string, string>();
  for (const service of chosenServices(settings, choice)) {
    if (settings.services[service]?.build !== undefined) await runBuild(service, settings, platform);
    artifacts.set(service, await findArtifact(service, settings, platform));
  }
  return artifacts;
}

/** The same for what was built elsewhere and lies in its place: no command is run. */
export async function findArtifacts(
  settings: BuildSettings,
  choice: Choice,
  platform: Pick<Platform, 'files'>,
): Promise<Map<string, string>> {
  const artifacts = new Map<string, string>();
  for (const service of chosenServices(settings, choice)) {
    artifacts.set(service, await findArtifact(service, settings, platform));
  }
  return artifacts;
}

/** The artifact of a service: what its configuration names, or what its build leaves. Absolute path. */
export function artifactPath(service: string, { services, directory }: BuildSettings): string {
  const path = services[service]?.build?.output ?? services[service]?.artifact ?? '';
  return isAbsolute(path) ? path : join(directory, path);
}

/**
 * Runs the build command of a service, in the folder of holdfast.yml. It gets PATH, HOME, LANG, TZ and those variables of
 * the service that hold no secret. Throws UserError `build-failed`.
 */
export async function runBuild(
  service: string,
  settings: BuildSettings,
  platform: Pick<Platform, 'identity' | 'log' | 'processes' | 'signal'>,
): Promise<void> {
  const build = settings.services[service]?.build;
  if (build === undefined) throw new Error(`${service} has no build`);
  refuseSealed(service, build.command);
  const step = platform.log.step(`build ${service}`);
  const options = { timeoutMs: build.timeout, onLine: (line: string) => step.output(line) };
  const env = { ...platform.identity.environment, ...openVariables(service, settings) };
  const command = { argv: build.command, cwd: settings.directory, env };
  const outcome = await platform.processes.run(command, options, platform.signal).catch((error: unknown) => {
    throw new UserError('build-failed', `services.${service}.build.command cannot be started: ${errorMessage(error)}`, {
      hint: `Is ${build.command[0]} installed here?`,
      cause: error,
    });
  });
  if (outcome.status !== 0) {
    const how = outcome.timedOut
      ? `did not end within ${formatDuration(build.timeout)}`
      : `ended with status ${outcome.status ?? outcome.signal}`;
    step.end('stop', how);
    throw new UserError(
      'build-failed',
      `the build of ${service} ${how}: ${lastLines(outcome.stderr || outcome.stdout)}`,
      {
        hint: `Run it by hand: ${build.command.join(' ')}`,
      },
    );
  }
  step.end('proceed', '');
}

/** Throws UserError `artifact-missing` where there is nothing. */
export async function findArtifact(
  service: string,
  settings: BuildSettings,
  { files }: Pick<Platform, 'files'>,
): Promise<string> {
  const path = artifactPath(service, settings);
  if ((await files.status(path)) !== undefined) return path;
  const isBuilt = settings.services[service]?.build !== undefined;
  const key = isBuilt ? 'build.output' : 'artifact';
  throw new UserError('artifact-missing', `services.${service}.${key} names ${path}, and there is nothing`, {
    hint: isBuilt ? 'Name what the build command leaves.' : 'Build it first, or correct the path.',
  });
}

/** By name. Throws UserError for one that there is not. */
export function chosenServices({ services }: Pick<BuildSettings, 'services'>, { only, carried }: Choice): string[] {
  if (only !== undefined && services[only] === undefined) {
    throw new UserError('service-unknown', `there is no service ${only} in the configuration`, {
      hint: `Services are: ${Object.keys(services).join(', ')}.`,
    });
  }
  return Object.keys(services).filter((service) => only === undefined || only === service || !carried(service));
}

/** Variables of the service whose value holds no secret: a build reads what others wrote, and its output is kept. */
function openVariables(service: string, { services, secretPaths }: BuildSettings): Record<string, string> {
  const variables = Object.entries(services[service]?.env ?? {});
  return Object.fromEntries(variables.filter(([name]) => secretPaths[`services.${service}.env.${name}`] === undefined));
}

function refuseSealed(service: string, command: readonly string[]): void {
  const [name] = sealedNames(command);
  if (name === undefined) return;
  throw new UserError('secret-not-here', `services.${service}.build.command needs ${name}, and builds get no secrets`, {
    hint: 'Take the secret out of the build command.',
  });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ');
}
