import { formatDuration } from '../core/duration.ts';
import { errorMessage, Interrupted } from '../core/errors.ts';
import type { Outcome as Ended } from '../platform/processes.ts';
import { directoryInstances } from '../targets/directory/instances.ts';
import { layoutOf } from '../targets/directory/layout.ts';
import type { Check, Observed } from './check.ts';
import { findingOf } from './finding.ts';
import type { CommandCheckSettings } from './settings.ts';

/**
 * A check that the user wrote as a program: it runs in the folder of holdfast.yml, with the environment of the service
 * that it names, and all is well when it ends with 0.
 */
export function commandCheck(name: string, settings: CommandCheckSettings, observed: Observed): Check<Ended> {
  const check = { id: name, layer: settings.layer, path: `validate.checks.${name}` } as const;
  const { machine } = observed;
  const [program] = settings.command;
  return {
    ...check,
    // The command has a time limit of its own, and a moment to end after it.
    timeoutMs: settings.timeout + 10_000,
    async collect(signal) {
      const command = {
        argv: settings.command,
        cwd: observed.settings.directory,
        env: environmentOf(settings, observed),
      };
      try {
        return await machine.processes.run(command, { timeoutMs: settings.timeout }, signal);
      } catch (error) {
        if (signal.aborted) throw new Interrupted();
        throw new Error(`${program} could not be started: ${errorMessage(error)}`);
      }
    },
    evaluate(ended) {
      if (ended.status === 0) return [findingOf(check, { outcome: 'pass', message: `${program} ended with 0` })];
      const { severity } = settings;
      const how = ended.timedOut
        ? `was not done within ${formatDuration(settings.timeout)}`
        : ended.status === undefined
          ? `was ended by ${ended.signal ?? 'a signal'}`
          : `ended with ${ended.status}`;
      const said = lastLine(ended.stderr) ?? lastLine(ended.stdout);
      return [
        findingOf(check, {
          outcome: 'fail',
          severity,
          message: said === undefined ? `${program} ${how}` : `${program} ${how}: ${said}`,
          ...(ended.status === undefined ? {} : { measured: { status: ended.status } }),
        }),
      ];
    },
  };
}

function environmentOf({ service }: CommandCheckSettings, observed: Observed): Readonly<Record<string, string>> {
  const { machine, root, settings, services, clock, signal } = observed;
  if (service === undefined) return machine.environment;
  const status = services.find((candidate) => candidate.service === service);
  const own = settings.services[service];
  if (status === undefined || own === undefined) throw new Error(`nothing of ${service} is live`);
  const instances = directoryInstances(layoutOf(root), machine, (ms) => clock.sleep(ms, signal));
  return instances.environmentOf({ service, release: status.release, version: status.version, settings: own });
}

function lastLine(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim().slice(0, 300);
}
