import { tmpdir } from 'node:os';
import type { Log } from '../../src/platform/log.ts';
import { silentLog } from '../../src/platform/log.ts';
import { type Platform, systemPlatform } from '../../src/platform/platform.ts';

/** The real effects of this computer, quiet unless the test listens. */
export function aPlatform(changes: Partial<Platform> & { log?: Log } = {}): Platform {
  const { log = silentLog(), signal = new AbortController().signal } = changes;
  return { ...systemPlatform(log, signal, tmpdir()), ...changes };
}

/** Does some work with a platform of its own and ends what that keeps open: connections, control sockets. */
export async function withPlatform<T>(work: (platform: Platform) => Promise<T>): Promise<T> {
  const platform = aPlatform();
  try {
    return await work(platform);
  } finally {
    await platform.ending.run();
  }
}
