import type { Site } from './site.ts';

/** State that was set aside by restores by hand, for who wants something of it back. */
const KEEP_ASIDE = 2;

/** Failed releases that stay for a look at what went wrong. */
const KEEP_BAD = 2;

/**
 * Removes releases that nobody can return to: all but `keepGood` good ones, the live one, the one a rollback would
 * lead to, those whose files another kept release carries, and the newest failed ones. Answers what was removed.
 */
export async function pruneReleases(site: Site, keepGood: number): Promise<string[]> {
  const { book, journal, layout, machine } = site;
  const releases = await book.list();
  const live = await book.live();
  const open = new Set((await journal.open()).flatMap(({ header }) => [header.run, header.release, header.previous]));
  const kept = new Set<string>();
  const keep = (release: string | undefined) => release !== undefined && kept.add(release);
  keep(live?.record.release);
  keep(live?.record.previous);
  for (const release of open) keep(release);
  for (const { release } of releases.filter(({ state }) => state === 'good').slice(0, keepGood)) keep(release);
  for (const { release } of releases.filter(({ state }) => state === 'bad').slice(0, KEEP_BAD)) keep(release);
  for (const release of [...kept]) {
    if (!releases.some((record) => record.release === release)) continue;
    const capsule = await book.capsule(release);
    for (const service of Object.values(capsule.services)) keep(service.release);
  }
  const removed: string[] = [];
  for (const { release } of releases) {
    if (kept.has(release)) continue;
    await book.remove(release);
    removed.push(release);
  }
  await pruneAsides(open, site);
  for (const name of await machine.files.list(layout.releases)) {
    if (name.startsWith('.staging-')) await machine.files.remove(`${layout.releases}/${name}`);
  }
  return removed;
}

/** What a release left behind goes with it; what a restore by hand replaced goes with the next ones. */
async function pruneAsides(open: ReadonlySet<string | undefined>, { book, layout, machine }: Site): Promise<void> {
  const folder = layout.aside('');
  const releases = new Set((await book.list()).map(({ release }) => release));
  const byHand = (await machine.files.list(folder)).filter((name) => !releases.has(name) && !open.has(name));
  // Their names begin with the moment.
  for (const name of byHand.sort().reverse().slice(KEEP_ASIDE)) await machine.files.remove(layout.aside(name));
}
