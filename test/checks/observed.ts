import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';
import type { Check, Observed } from '../../src/checks/check.ts';
import { ValidateSettings } from '../../src/checks/settings.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Services } from '../../src/targets/settings.ts';
import { aMachine } from '../support/machine.ts';

const servers: Server[] = [];

/** A real HTTP server on a free port of loopback, gone after the test. Answers its port. */
export async function aServer(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return portOf(server);
}

export function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

interface Wanted {
  readonly port: number;
  readonly version?: string;
  readonly health?: object;
  readonly validate?: object;
  readonly secretValues?: Record<string, string>;
}

/** One live service, `api`, whose process is this one: the server of the test listens in it. */
export async function anObserved(wanted: Wanted, changes: Partial<Observed> = {}): Promise<Observed> {
  const { port, version = 'v2', health = {}, validate = {}, secretValues = {} } = wanted;
  const machine = changes.machine ?? aMachine('/tmp');
  const own = await machine.processes.identify(process.pid);
  if (own === undefined) throw new Error('this process cannot be identified');
  return {
    settings: {
      project: 'shop',
      environment: 'local',
      directory: '/',
      services: Services.parse({ api: { artifact: 'build', run: { command: ['node'], port }, health } }),
      validate: ValidateSettings.parse(validate),
      secretValues,
    },
    machine: { ...machine, processes: { ...machine.processes, groupMembers: async () => [process.pid] } },
    root: '/',
    services: [
      {
        service: 'api',
        release: 'r-20260101T000000-0000',
        version,
        instances: [{ process: own, alive: true }],
        addresses: { http: `http://127.0.0.1:${port}` },
        logFile: '/tmp/api.log',
      },
    ],
    clock: systemClock(),
    signal: new AbortController().signal,
    ...changes,
  };
}

/** The check with this id; the test fails when the plan has none. */
export function checkOf(checks: readonly Check<unknown>[], id: string): Check<unknown> {
  const check = checks.find((candidate) => candidate.id === id);
  if (check === undefined) throw new Error(`no check ${id} among ${checks.map((one) => one.id).join(', ')}`);
  return check;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
