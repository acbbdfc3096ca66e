import { isAbsolute, join } from 'node:path';
import { formatDuration } from '../core/duration.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { ServiceSettings } from '../targets/settings.ts';

/** The artifact of a service: what its configuration names, or what its build leaves. Absolute path. */
export async function buildArtifact(
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
