import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { openEnvironment } from '../../src/environment/environment.ts';
import { pruneReleases } from '../../src/environment/prune.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

let shop: Shop;

afterEach(async () => {
  await shop.close();
});

it('keeps what the two newest restores by hand replaced, and what an open one needs', async () => {
  shop = await aShop();
  const environment = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: true });
  const { files } = environment.machine;
  const runs = [1, 2, 3, 4].map((day) => `rs-2026110${day}T101500-0000`);
  for (const run of runs) await files.makeDirectory(join(environment.layout.aside(run), 'notes'));
  const [open = ''] = runs;
  await environment.journal.begin({ run: open, kind: 'rollback', sources: ['notes'], actor: 'os:alice' });

  await pruneReleases(environment, 5);

  expect(await readdir(environment.layout.aside(''))).toEqual([open, ...runs.slice(2)]);
});
