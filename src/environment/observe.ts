import type { Observed } from '../checks/check.ts';
import { digestFolder } from '../targets/directory/artifact.ts';
import { type Environment, sitesOf, startablesOf } from './environment.ts';
import type { Site } from './site.ts';
import { serviceStatuses } from './status.ts';

/** The running system on each machine, the seat first, as checks see it: judged by the settings that it was released with. */
export async function observeAll(environment: Environment): Promise<Observed[]> {
  const { settings, platform, others } = environment;
  const observed: Observed[] = [];
  for (const site of sitesOf(environment)) {
    const { machine, layout, book } = site;
    const live = await book.live();
    const services = live === undefined ? settings.services : (await book.settings(live.record.release)).services;
    observed.push({
      settings: { ...settings, services },
      machine,
      ...(others.length === 0 ? {} : { host: machine.name }),
      root: layout.root,
      services: await serviceStatuses(site),
      clock: platform.clock,
      signal: platform.signal,
    });
  }
  return observed;
}

/** The running system on the seat. */
export async function observe(environment: Environment): Promise<Observed> {
  const [seat] = await observeAll({ ...environment, others: [] });
  if (seat === undefined) throw new Error('an environment without a seat');
  return seat;
}

/** For each service of a release, on each machine: the digest that its capsule names, and that of the files as they lie there now. */
export async function compareArtifacts(
  release: string,
  environment: Environment,
): Promise<{ service: string; expected: string; actual: string }[]> {
  const compared: { service: string; expected: string; actual: string }[] = [];
  const { services } = await environment.book.capsule(release);
  for (const { machine, layout, book } of sitesOf(environment)) {
    const where = environment.others.length === 0 ? '' : ` on ${machine.name}`;
    for (const { service, release: folder, settings } of await startablesOf(release, { book })) {
      const actual = await digestFolder(layout.service(folder, service), settings.shared, machine.files);
      compared.push({ service: `${service}${where}`, expected: services[service]?.artifact ?? '', actual });
    }
  }
  return compared;
}

/** The modes of everything that Holdfast keeps on the target: copies of state, settings with secrets, journal, capsules. */
export async function listOwnModes(environment: Environment): Promise<{ path: string; mode: number }[]> {
  const lists = await Promise.all(sitesOf(environment).map(listModes));
  return lists.flat();
}

async function listModes({ layout, machine }: Site): Promise<{ path: string; mode: number }[]> {
  const found: { path: string; mode: number }[] = [];
  const own = await machine.files.status(layout.own);
  if (own === undefined) return found;
  found.push({ path: layout.own, mode: own.mode });
  const visit = async (folder: string, depth: number) => {
    for (const name of await machine.files.list(folder)) {
      const path = `${folder}/${name}`;
      const status = await machine.files.status(path);
      if (status === undefined || status.type === 'link' || status.type === 'other') continue;
      found.push({ path, mode: status.mode });
      if (status.type === 'directory' && depth > 0) await visit(path, depth - 1);
    }
  };
  await visit(layout.own, 2);
  return found;
}
