import { join, posix } from 'node:path';
import type { CapsuleService } from '../core/capsule.ts';
import type { Environment } from '../environment/environment.ts';
import type { Site } from '../environment/site.ts';
import { namingFullDisk } from '../stores/disk.ts';
import { stageArtifact } from '../targets/directory/artifact.ts';
import type { ServiceSettings } from '../targets/settings.ts';
import type { LiveRelease } from '../targets/target.ts';

export interface Staged {
  readonly artifacts: Record<string, Pick<CapsuleService, 'release' | 'version' | 'artifact'>>;
  /** Services of the live release that this release takes over as they are. */
  readonly carried: Record<string, CapsuleService>;
  readonly settings: Record<string, ServiceSettings>;
  /** Services that are new in this release. */
  readonly changed: ReadonlySet<string>;
}

/**
 * Puts the files of a release beside the live one, on one machine: `releases/<id>/<service>/`, with the shared folders linked in.
 * With `only`, the other services of the live release are carried over. `artifacts` names the artifact of each service.
 * Nothing that runs is touched, and a staging that fails leaves nothing behind. Throws OutsideError `disk-full`.
 */
export async function stageRelease(
  release: string,
  version: string,
  only: string | undefined,
  artifacts: ReadonlyMap<string, string>,
  live: LiveRelease | undefined,
  site: Site,
  environment: Environment,
): Promise<Staged> {
  const { layout, machine } = site;
  const folder = join(layout.releases, `.staging-${release}`);
  try {
    await machine.files.makeDirectory(folder);
    const staging = () => stageInto(folder, release, version, only, artifacts, live, site, environment);
    const staged = await namingFullDisk(layout.releases, undefined, staging, machine.files);
    await machine.files.rename(folder, layout.release(release));
    return staged;
  } catch (error) {
    await machine.files.remove(folder);
    throw error;
  }
}

async function stageInto(
  folder: string,
  release: string,
  version: string,
  only: string | undefined,
  artifacts: ReadonlyMap<string, string>,
  live: LiveRelease | undefined,
  site: Site,
  environment: Environment,
): Promise<Staged> {
  const { settings, book, platform } = environment;
  const { machine } = site;
  const where = environment.others.length === 0 ? '' : ` on ${machine.name}`;
  const staged: Staged = { artifacts: {}, carried: {}, settings: {}, changed: new Set() };
  const changed = new Set<string>();
  const liveSettings = live === undefined ? undefined : await book.settings(live.record.release);
  for (const [service, serviceSettings] of Object.entries(settings.services)) {
    const carried = only === undefined || only === service ? undefined : live?.capsule.services[service];
    const carriedSettings = liveSettings?.services[service];
    if (carried !== undefined && carriedSettings !== undefined) {
      staged.artifacts[service] = carried;
      staged.carried[service] = carried;
      staged.settings[service] = carriedSettings;
      await machine.files.link(posix.join('..', carried.release, service), join(folder, service));
      continue;
    }
    const artifact = artifacts.get(service);
    if (artifact === undefined) throw new Error(`the artifact of ${service} was not built`);
    const step = platform.log.step(`stage ${service} ${version}${where}`);
    const destination = join(folder, service);
    const copy = await stageArtifact(artifact, destination, serviceSettings.shared, {
      from: platform.files,
      to: machine.files,
    });
    await linkShared(service, serviceSettings.shared, destination, site);
    if (copy.replaced.length > 0) {
      step.note(
        `${copy.replaced.length} files of the artifact were left out: ${copy.replaced[0]} lies in a shared folder`,
      );
    }
    step.end('proceed', `${copy.files} files`);
    staged.artifacts[service] = { release, version, artifact: copy.digest };
    staged.settings[service] = serviceSettings;
    changed.add(service);
  }
  return { ...staged, changed };
}

/** Links are relative, so that the whole environment can be moved. */
async function linkShared(
  service: string,
  shared: readonly string[],
  destination: string,
  { layout, machine }: Site,
): Promise<void> {
  for (const path of shared) {
    const clean = posix.normalize(path).replace(/\/$/, '');
    await machine.files.makeDirectory(join(layout.shared(service), clean));
    const link = join(destination, clean);
    await machine.files.makeDirectory(join(link, '..'));
    const depth = clean.split('/').length;
    // From releases/<id>/<service>/<path> up to the root, then down into shared/<service>/<path>.
    const up = '../'.repeat(depth + 2);
    await machine.files.link(posix.join(up, 'shared', service, clean), link);
  }
}
