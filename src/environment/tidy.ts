import { join } from 'node:path';
import type { Machine } from '../machines/machine.ts';
import type { Platform } from '../platform/platform.ts';
import type { Site } from './site.ts';

/**
 * Removes what killed runs left half-made and nobody will ever finish: unpacked copies of the state, folders of
 * releases that were never entered in the book, temporary files and links. Call it under the lease, when no run is
 * open: whoever writes to these places holds the lease, save to scratch, of which each process has its own. Answers how many things were removed.
 */
export async function tidy(
  { layout, machine, book }: Site,
  platform: Pick<Platform, 'clock' | 'processes'>,
): Promise<number> {
  const { files } = machine;
  const leftovers: string[] = [];
  const find = async (folder: string, isLeftover: (name: string) => boolean) => {
    const names = await files.list(folder);
    leftovers.push(...names.filter(isLeftover).map((name) => join(folder, name)));
  };
  const entered = new Set((await book.list()).map(({ release }) => release));
  leftovers.push(...(await scratchOfTheDead(join(layout.scratch, '..'), machine, platform)));
  await find(layout.releases, (name) => !entered.has(name));
  await find(layout.root, (name) => name.startsWith('.current-'));
  await find(layout.own, (name) => name.startsWith('stale-lease-'));
  for (const folder of [layout.journal, layout.records, layout.processes, layout.units, layout.baselines]) {
    await find(folder, isTemporary);
  }
  for (const each of ['capsules', 'settings']) await find(join(layout.own, each), isTemporary);
  for (const path of leftovers) await files.remove(path);
  return leftovers.length;
}

/** Longer than any run takes: by then scratch of a run on another computer is nobody's. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

async function scratchOfTheDead(
  folder: string,
  machine: Machine,
  { clock, processes }: Pick<Platform, 'clock' | 'processes'>,
): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await machine.files.list(folder)) {
    const [pid = '', startTime] = name.split('@');
    const isDead =
      startTime === undefined
        ? !(clock.now() - Date.parse(name.slice(0, ISO_LENGTH)) < ABANDONED_MS)
        : !(await processes.isAlive({ pid: Number(pid), startTime }));
    if (isDead) dead.push(join(folder, name));
  }
  return dead;
}

/** `2026-11-22T10:15:00.000Z`: how the name of such a scratch begins. */
const ISO_LENGTH = 24;

function isTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.tmp');
}
