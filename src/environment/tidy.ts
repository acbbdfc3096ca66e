import { join } from 'node:path';
import type { Environment } from './environment.ts';

/**
 * Removes what killed runs left half-made and nobody will ever finish: unpacked copies of the state, folders of
 * releases that were never entered in the book, temporary files and links. Call it under the lease, when no run is
 * open: whoever writes to these places holds the lease, save to scratch, of which each process has its own. Answers how many things were removed.
 */
export async function tidy(environment: Environment): Promise<number> {
  const { layout, machine, book } = environment;
  const { files } = machine;
  const leftovers: string[] = [];
  const find = async (folder: string, isLeftover: (name: string) => boolean) => {
    const names = await files.list(folder);
    leftovers.push(...names.filter(isLeftover).map((name) => join(folder, name)));
  };
  const entered = new Set((await book.list()).map(({ release }) => release));
  leftovers.push(...(await scratchOfTheDead(join(layout.scratch, '..'), environment)));
  await find(layout.releases, (name) => !entered.has(name));
  await find(layout.root, (name) => name.startsWith('.current-'));
  await find(layout.own, (name) => name.startsWith('stale-lease-'));
  for (const folder of [layout.journal, layout.records, layout.processes, layout.baselines]) {
    await find(folder, isTemporary);
  }
  for (const each of ['capsules', 'settings']) await find(join(layout.own, each), isTemporary);
  for (const path of leftovers) await files.remove(path);
  return leftovers.length;
}

async function scratchOfTheDead(folder: string, { machine }: Environment): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await machine.files.list(folder)) {
    const [pid = '', startTime = ''] = name.split('@');
    if (!(await machine.processes.isAlive({ pid: Number(pid), startTime }))) dead.push(join(folder, name));
  }
  return dead;
}

function isTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.tmp');
}
