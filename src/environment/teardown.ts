import type { Site } from './site.ts';

/** Stops everything that runs on one machine of an environment and lets go of its sockets. What lies on the disk stays. */
export async function stopEverything({ instances }: Pick<Site, 'instances'>): Promise<void> {
  for (const service of await instances.services()) {
    for (const instance of await instances.find(service)) {
      await instances.stop(instance, { signal: 'SIGTERM', timeout: 5000 });
    }
  }
  await instances.releaseSockets([]);
}
