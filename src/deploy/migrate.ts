import { formatDuration } from '../core/duration.ts';
import { DONE, type Step } from '../core/step.ts';
import type { Environment } from '../environment/environment.ts';
import type { Startable } from '../targets/directory/instances.ts';
import { serviceCommand } from '../targets/directory/service-command.ts';

type Seat = Pick<Environment, 'layout' | 'machine' | 'instances' | 'platform'>;

/**
 * The step that runs the migrate command of a service in its new release, with the environment of the service and as its
 * user.
 */
export function migrationSteps(startables: readonly Startable[], environment: Seat): Step[] {
  return startables.flatMap((startable) => {
    const { migrate } = startable.settings;
    return migrate === undefined ? [] : [migrationStep(startable, migrate, environment)];
  });
}

function migrationStep(
  startable: Startable,
  migrate: NonNullable<Startable['settings']['migrate']>,
  { layout, machine, instances, platform }: Seat,
): Step {
  const { service, version } = startable;
  const { signal } = platform;
  return {
    name: `migrate:${service}`,
    summary: `run the migrations of ${service} ${version}`,
    async run(progress) {
      await machine.files.makeDirectory(layout.shared(service));
      const outcome = await machine.processes.run(
        await serviceCommand(startable, migrate.command, { layout, machine, instances, signal }),
        { timeoutMs: migrate.timeout, onLine: (line) => progress.note(line) },
        signal,
      );
      if (outcome.status === 0) return DONE;
      const how = outcome.timedOut
        ? `did not end within ${formatDuration(migrate.timeout)}`
        : `ended with status ${outcome.status ?? outcome.signal}`;
      const said = (outcome.stderr || outcome.stdout).trim().split('\n').slice(-3).join(' | ');
      return {
        outcome: 'failed',
        reason: 'migration-failed',
        message: `the migration of ${service} ${version} ${how}${said === '' ? '' : `: ${said}`}`,
        remedy: 'Mend the migration and release again; the data was put back if it had changed.',
      };
    },
  };
}
