import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectNoLeftovers } from './leftovers.ts';
import { APPLICATIONS, aPlaceFor, expectEnding, FAULTS, type Place } from './platform.ts';
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
    expectEnding(await place.release('v1'), 0, 'released');
    await write(place, 'written under v1');
    expectEnding(await place.release('v2'), 0, 'released');
    await write(place, 'written under v2, with "quotes" and ümlauts');

    before = await look(place);
    expect(before).toMatchObject({ version: 'v2', list: expect.stringContaining('written under v1') });
    expect(place.listeners()).toHaveLength(1);
  });

  it.each(FAULTS)('is back with its data after a version that has the fault: %s', async (fault) => {
    const version = `bad-${fault}`;
    await place.build(version, { schema: 2, fault });

    const ended = await place.release(version);

    expectEnding(ended, 1, 'rolled-back');
    expect(await look(place)).toEqual(before);
    expect((await place.status()).report).toMatchObject({
      reason: 'status',
      record: { live: { version: 'v2', state: 'good' }, lease: null, open: [] },
    });
    await expectNoLeftovers(place);
  });

  it('goes back to v1 and its data by one command, and takes a release afterwards', async () => {
    const back = await place.holdfast(['rollback', '--to', 'v1', '--data', 'restore']);
    expectEnding(back, 0, 'rolled-back');
    expect(await look(place)).toMatchObject({ version: 'v1', list: expect.stringContaining('written under v1') });
    await place.build('v3', { schema: 2 });

    expectEnding(await place.release('v3'), 0, 'released');

    expect((await look(place)).version).toBe('v3');
    await expectNoLeftovers(place);
  });
});
