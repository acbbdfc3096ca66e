import type { Observed } from '../checks/check.ts';
import { digestFolder } from '../targets/directory/artifact.ts';
import { type Environment, startablesOf } from './environment.ts';
import { serviceStatuses } from './status.ts';

/** The running system, as checks see it: judged by the settings that it was released with. */
export async function observe(environment: Environment): Promise<Observed> {
  const { settings, machine, layout, platform, book } = environment;
  const live = await book.live();
  const services = live === undefined ? settings.services : (await book.settings(live.record.release)).services;
  return {
    settings: { ...settings, services },
    machine,
    root: layout.root,
    services: await serviceStatuses(environment),
    clock: platform.clock,
    signal: platform.signal,
  };
}

/** For each service of a release: the digest that its capsule names, and that of the files as they lie there now. */
export async function compareArtifacts(
  release: string,
  environment: Environment,
): Promise<{ service: string; expected: string; actual: string }[]> {
  const { book, layout, machine } = environment;
  const { services } = await book.capsule(release);
  const compared: { service: string; expected: string; actual: string }[] = [];
  for (const { service, release: folder, settings } of await startablesOf(release, environment)) {
    const actual = await digestFolder(layout.service(folder, service), settings.shared, machine.files);
    compared.push({ service, expected: services[service]?.artifact ?? '', actual });
  }
  return compared;
}

/** The modes of everything that Holdfast keeps on the target: copies of state, settings with secrets, journal, capsules. */
export async function listOwnModes({ layout, machine }: Environment): Promise<{ path: string; mode: number }[]> {
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
