import type { Environment } from './environment.ts';

/** Stops everything that runs in an environment and lets go of its sockets. What lies on the disk stays. */
export async function stopEverything({ instances }: Environment): Promise<void> {
  for (const service of await instances.services()) {
    for (const instance of await instances.find(service)) {
      await instances.stop(instance, { signal: 'SIGTERM', timeout: 5000 });
    }
  }
  await instances.releaseSockets([]);
}
