import type { FoundInstance } from '../targets/directory/instances.ts';
import type { ServiceSettings } from '../targets/settings.ts';
import type { Site } from './site.ts';

/** Stops everything that runs on one machine of an environment and lets go of its sockets. What lies on the disk stays. */
export async function stopEverything({ instances, book }: Pick<Site, 'instances' | 'book'>): Promise<void> {
  for (const service of await instances.services()) {
    for (const instance of await instances.find(service)) {
      await instances.stop(instance, await stopOf(instance, book));
    }
  }
  await instances.releaseSockets([]);
}

/** As the release says that it was started from; where that cannot be read any more, as most programs expect it. */
async function stopOf(
  { service, release }: FoundInstance,
  book: Site['book'],
): Promise<ServiceSettings['run']['stop']> {
  const settings = await book.settings(release).catch(() => undefined);
  return settings?.services[service]?.run.stop ?? { signal: 'SIGTERM', timeout: 5000 };
}
