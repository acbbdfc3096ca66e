import { originOf } from '../targets/directory/health.ts';
import { portsOf } from '../targets/settings.ts';
import type { ServiceStatus } from '../targets/target.ts';
import { startablesOf } from './environment.ts';
import type { Site } from './site.ts';

/** What runs now of the live release on one machine, service by service, in the order in which they start. Empty when nothing is live. */
export async function serviceStatuses({ book, instances, layout }: Site): Promise<ServiceStatus[]> {
  const live = await book.live();
  if (live === undefined) return [];
  const statuses: ServiceStatus[] = [];
  for (const { service, release, version, settings } of await startablesOf(live.record.release, { book })) {
    const found = await instances.find(service);
    statuses.push({
      service,
      release,
      version,
      instances: found.map(({ process, alive }) => ({ process, alive })),
      addresses: Object.fromEntries(
        portsOf(settings.run).map(([name, port]) => [name, originOf(settings.run.host, port)] as const),
      ),
      logFile: layout.log(service),
    });
  }
  return statuses;
}
