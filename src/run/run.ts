import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { errorCode, errorMessage, UserError } from '../core/errors.ts';
import { composeReport } from '../core/report.ts';
import { openEnvironment, startablesOf } from '../environment/environment.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';
import { serviceCommand } from '../targets/directory/service-command.ts';

const inputs = z.strictObject({
  service: z.string().meta({ description: 'A service of the live release' }),
  command: z.tuple([z.string()], z.string()).meta({ description: 'Program and arguments, after --' }),
});

/** A one-off command in the folder, with the environment and as the user of a live service, on our own terminal. */
export const run: Action<typeof inputs, Configuration, Platform> = {
  name: 'run',
  summary: 'a one-off command with the environment of a service',
  group: 'Other',
  settings: 'configuration',
  inputs,
  positional: ['service', 'command'],
  examples: ['run api -- node --print process.env.HOLDFAST_VERSION'],
  reasons: ['ran', 'failed'],
  // Standard output is the command's own.
  bare: () => '',
  async run({ inputs: { service, command }, settings }, platform) {
    const startedAt = platform.clock.now();
    const environment = await openEnvironment(settings, platform, { create: false });
    const live = await environment.book.live();
    const startables = live === undefined ? [] : await startablesOf(live.record.release, environment);
    const startable = startables.find((each) => each.service === service);
    if (startable === undefined) {
      const hint =
        startables.length === 0
          ? 'Nothing is live here yet.'
          : `Live services are: ${startables.map((each) => each.service).join(', ')}.`;
      throw new UserError('service-unknown', `${service} is not a live service of ${settings.environment}`, { hint });
    }
    const { layout, machine, instances } = environment;
    const parts = { layout, machine, instances, signal: platform.signal };
    const exit = await machine.processes
      .attach(await serviceCommand(startable, command, parts))
      .catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EACCES') throw error;
        throw new UserError('command-not-found', `${command[0]} cannot be started: ${errorMessage(error)}`, {
          hint: `Is it installed on ${machine.name}, and executable?`,
        });
      });
    const how = exit.status === undefined ? `was ended by ${exit.signal}` : `ended with status ${exit.status}`;
    return composeReport(
      'run',
      subjectOf(settings, live?.record),
      { startedAt, finishedAt: platform.clock.now() },
      {
        decision: exit.status === 0 ? 'proceed' : 'stop',
        reason: exit.status === 0 ? 'ran' : 'failed',
        summary: `${command[0]} ${how}`,
        record: { status: exit.status ?? null, signal: exit.signal ?? null },
      },
    );
  },
};
