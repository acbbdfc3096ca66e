import type { Platform } from '../platform/platform.ts';
import type { Machine } from './machine.ts';

/** This computer. */
export function localMachine(
  platform: Pick<Platform, 'clock' | 'files' | 'holder' | 'http' | 'identity' | 'processes' | 'sqlite'>,
): Machine {
  return {
    name: 'local',
    files: platform.files,
    processes: platform.processes,
    sqlite: platform.sqlite,
    holder: platform.holder,
    http: platform.http,
    now: async () => platform.clock.now(),
    environment: platform.identity.environment,
  };
}
