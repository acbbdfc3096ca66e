import { join } from 'node:path';

/** Where everything of an environment lies under its root folder. Pure. */
export interface Layout {
  readonly root: string;
  /** The link to the live release. */
  readonly current: string;
  readonly releases: string;
  release(id: string): string;
  service(release: string, service: string): string;
  shared(service: string): string;
  /** Holdfast's own folder, readable by its user only. */
  readonly own: string;
  readonly identity: string;
  /** Random key of this target, for HMACs. */
  readonly key: string;
  readonly lease: string;
  readonly journal: string;
  capsule(release: string): string;
  record(release: string): string;
  readonly records: string;
  /** Resolved settings of a release, secrets included: 0600. */
  secretSettings(release: string): string;
  readonly processes: string;
  /** What systemd runs of this environment, and the variables of each process: 0600. */
  readonly units: string;
  readonly logs: string;
  log(service: string): string;
  /** Where the socket holder lives. */
  readonly holder: string;
  readonly store: string;
  readonly scratch: string;
  /** Failed state that was set aside, by release. */
  aside(release: string): string;
  readonly baselines: string;
  /** The page that tells what became of a release. */
  report(release: string): string;
}

export function layoutOf(root: string): Layout {
  const own = join(root, '.holdfast');
  const releases = join(root, 'releases');
  return {
    root,
    current: join(root, 'current'),
    releases,
    release: (id) => join(releases, id),
    service: (release, service) => join(releases, release, service),
    shared: (service) => join(root, 'shared', service),
    own,
    identity: join(own, 'target.json'),
    key: join(own, 'key'),
    lease: join(own, 'lease.json'),
    journal: join(own, 'journal'),
    capsule: (release) => join(own, 'capsules', `${release}.json`),
    record: (release) => join(own, 'releases', `${release}.json`),
    records: join(own, 'releases'),
    secretSettings: (release) => join(own, 'settings', `${release}.json`),
    processes: join(own, 'processes'),
    units: join(own, 'units'),
    logs: join(own, 'logs'),
    log: (service) => join(own, 'logs', `${service}.log`),
    holder: join(own, 'holder'),
    store: join(own, 'store'),
    scratch: join(own, 'scratch'),
    aside: (release) => join(own, 'aside', release),
    baselines: join(own, 'baselines'),
    report: (release) => join(own, 'reports', `${release}.html`),
  };
}
