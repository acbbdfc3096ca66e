import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { APPLICATIONS, aPlaceFor, FAULTS, type Place } from './platform.ts';
import { isFull } from './scope.ts';
import { look, type Seen, write } from './what-users-see.ts';

// In the quick form one application that needs no compiler; in the full one all of them.
const applications = APPLICATIONS.filter(({ folder }) => isFull || folder === 'notes-node');

describe.each(applications)('an application by others: $folder', (application) => {
  let place: Place;
  let before: Seen;

  beforeAll(async () => {
    place = await aPlaceFor(application);
    await place.build('v1');
    await place.build('v2', { schema: 2 });
  }, 300_000);
  afterAll(() => place.clean());

  it('goes live, and a better version follows with its migration', async () => {
    const first = await place.release('v1');
    expect(first).toMatchObject({ status: 0, report: { reason: 'released' } });
    await write(place, 'written under v1');
    const second = await place.release('v2');
    expect(second).toMatchObject({ status: 0, report: { reason: 'released' } });
    await write(place, 'written under v2, with "quotes" and ümlauts');

    before = await look(place);
    expect(before).toMatchObject({ version: 'v2', list: expect.stringContaining('written under v1') });
    expect(place.listeners()).toHaveLength(1);
  });

  it.each(FAULTS)('is back with its data after a version that has the fault: %s', async (fault) => {
    const version = `bad-${fault}`;
    await place.build(version, { schema: 2, fault });

    const ended = await place.release(version);

    expect(ended).toMatchObject({ status: 1, report: { decision: 'stop', reason: 'rolled-back' } });
    expect(await look(place)).toEqual(before);
    expect((await place.status()).report).toMatchObject({
      reason: 'status',
      record: { live: { version: 'v2', state: 'good' }, lease: null, open: [] },
    });
    await expectNoLeftovers(place);
  });

  it('goes back to v1 and its data by one command, and takes a release afterwards', async () => {
    const back = await place.holdfast(['rollback', '--to', 'v1', '--data', 'restore']);
    expect(back).toMatchObject({ status: 0, report: { reason: 'rolled-back' } });
    expect(await look(place)).toMatchObject({ version: 'v1', list: expect.stringContaining('written under v1') });
    await place.build('v3', { schema: 2 });

    expect(await place.release('v3')).toMatchObject({ status: 0, report: { reason: 'released' } });

    expect((await look(place)).version).toBe('v3');
    await expectNoLeftovers(place);
  });
});

async function expectNoLeftovers(place: Place): Promise<void> {
  expect(place.listeners()).toHaveLength(1);
  expect(place.processes().filter(({ isHolder }) => !isHolder)).toHaveLength(1);
  expect(await readdir(join(place.root, '.holdfast/scratch'))).toEqual([]);
  expect(await readdir(place.scratch)).toEqual([]);
  const releases = await readdir(join(place.root, 'releases'));
  expect(releases.filter((name) => name.startsWith('.'))).toEqual([]);
}
