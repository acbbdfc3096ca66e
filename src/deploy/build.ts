import { isAbsolute, join } from 'node:path';
import { formatDuration } from '../core/duration.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { ServiceSettings } from '../targets/settings.ts';

/**
 * Builds what has to be built and answers the artifact of each service as an absolute path; with `only`, of that one
 * and of those that cannot be carried over. Throws UserError when one is missing: nothing has been touched by then.
 */
export async function buildArtifacts(
  services: Readonly<Record<string, ServiceSettings>>,
  only: string | undefined,
  carried: (service: string) => boolean,
  directory: string,
  platform: Pick<Platform, 'files' | 'identity' | 'log' | 'processes' | 'signal'>,
): Promise<Map<string, string>> {
  if (only !== undefined && services[only] === undefined) {
    throw new UserError('service-unknown', `there is no service ${only} in the configuration`, {
      hint: `Services are: ${Object.keys(services).join(', ')}.`,
    });
  }
  const artifacts = new Map<string, string>();
  for (const [service, settings] of Object.entries(services)) {
    if (only !== undefined && only !== service && carried(service)) continue;
    const path = await buildArtifact(service, settings, directory, platform);
    if ((await platform.files.status(path)) === undefined) {
      const key = settings.build === undefined ? 'artifact' : 'build.output';
      throw new UserError('artifact-missing', `services.${service}.${key} names ${path}, and there is nothing`, {
        hint:
          settings.build === undefined ? 'Build it first, or correct the path.' : 'Name what the build command leaves.',
      });
    }
    artifacts.set(service, path);
  }
  return artifacts;
}

/** The artifact of a service: what its configuration names, or what its build leaves. Absolute path. */
async function buildArtifact(
  service: string,
  settings: ServiceSettings,
  directory: string,
  platform: Pick<Platform, 'identity' | 'log' | 'processes' | 'signal'>,
): Promise<string> {
  const { build } = settings;
  if (build === undefined) return absolute(settings.artifact ?? '', directory);
  const step = platform.log.step(`build ${service}`);
  const options = { timeoutMs: build.timeout, onLine: (line: string) => step.note(line) };
  const command = { argv: build.command, cwd: directory, env: platform.identity.environment };
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
  return absolute(build.output, directory);
}

function absolute(path: string, directory: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ');
}
