import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Place } from './platform.ts';

/** One process serves, on one port; nothing else runs, and no folder holds anything half-made. */
export async function expectNoLeftovers(place: Place): Promise<void> {
  expect(place.listeners()).toHaveLength(1);
  expect(place.processes().filter(({ isHolder }) => !isHolder)).toHaveLength(1);
  // The last command may leave the empty folder of its process.
  const scratch = await readdir(join(place.root, '.holdfast/scratch'), { recursive: true });
  expect(scratch.filter((path) => path.includes('/'))).toEqual([]);
  expect(await readdir(place.scratch)).toEqual([]);
  const releases = await readdir(join(place.root, 'releases'));
  expect(releases.filter((name) => name.startsWith('.'))).toEqual([]);
}
