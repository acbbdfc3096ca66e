import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seeded } from './chance.ts';
import { expectNoLeftovers } from './leftovers.ts';
import { APPLICATIONS, type Application, aPlaceFor, expectEnding, type Fault, type Underway } from './platform.ts';
import { isFull } from './scope.ts';
import { look, type Seen, schemaOf, write } from './what-users-see.ts';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? (isFull ? 30 : 2));
const SEED = Number(process.env['HOLDFAST_SEED'] ?? 1);
const FAULTS_TO_KILL: readonly Fault[] = [
  'destroys-data',
  'migrates-then-cannot-bind',
  'nobody-can-log-in',
  'never-ready',
];
/** Migrations take long enough to be hit. */
const SLOW_MS = 150;
const MINUTE_MS = 60_000;

const applications = APPLICATIONS.filter(({ folder }) => isFull || folder === 'notes-node');

describe.each(applications)('SIGKILL to the group of a command: $folder', (application) => {
  let campaign: Awaited<ReturnType<typeof aCampaign>>;
  beforeAll(async () => {
    campaign = await aCampaign(application);
  }, 5 * MINUTE_MS);
  afterAll(() => campaign.place.clean());

  const kills = Math.max(1, Math.round(KILLS / applications.length));
  it.each(Array.from({ length: kills }, (_, index) => index))(
    'a release, kill %i: one command brings back one version with its data',
    async (index) => {
      const { place, chance, durations } = campaign;
      const fault = index % 2 === 0 ? undefined : FAULTS_TO_KILL[Math.floor(index / 2) % FAULTS_TO_KILL.length];
      const { version, schema } = await campaign.next(fault);
      const before = await look(place);
      const share = (index + chance()) / kills;

      const atMs = share * (fault === undefined ? durations.good : durations.bad);
      const killed = await killAfter(place.beginRelease(version), atMs);

      const context = `${version} (${fault ?? 'good'}), killed after ${Math.round(atMs)} ms: ${killed}`;
      await annotate(context, async () => {
        if (index % 3 === 2) await campaign.carryOn(index % 2 === 0 ? 'release' : 'rollback', before);
        else await campaign.recover({ before, version, schema, mayBeLive: fault === undefined });
        await campaign.expectAtRest();
        // Every other time is enough to know, and shows too that one killed release may follow another.
        if (index % 2 === 0) await campaign.releaseGood(before);
      });
    },
    MINUTE_MS,
  );

  it(
    'a rollback: it is finished by one command',
    async () => {
      const { place, chance } = campaign;
      const older = await look(place);
      await campaign.releaseGood(older);
      const newer = await look(place);
      const atMs = 300 + chance() * 2000;

      await killAfter(place.begin(['rollback', '--data', 'restore']), atMs);

      await annotate(`killed after ${Math.round(atMs)} ms`, async () => {
        expectEnding(await place.holdfast(['recover']), 0, 'recovered', 'nothing-to-recover');
        expect([older, newer]).toContainEqual(await look(place));
        await campaign.expectAtRest();
      });
    },
    MINUTE_MS,
  );

  it(
    'a recovery, twice in a row: the next one finishes',
    async () => {
      const { place, chance, durations } = campaign;
      await campaign.releaseGood(await look(place));
      const before = await look(place);
      const { version } = await campaign.next('destroys-data');
      await killAfter(place.beginRelease(version), durations.bad * (0.4 + 0.3 * chance()));

      const moments = [300 + 500 * chance(), 300 + 1200 * chance()];
      for (const atMs of moments) await killAfter(place.begin(['recover']), atMs);

      await annotate(`killed after ${moments.map(Math.round).join(' and ')} ms`, async () => {
        expectEnding(await place.holdfast(['recover']), 0, 'recovered', 'nothing-to-recover');
        expect(await look(place)).toEqual(before);
        await campaign.expectAtRest();
        await campaign.releaseGood(before);
      });
    },
    MINUTE_MS,
  );
});

/** A live application, how long its releases take, and versions that each migrate one step further. */
async function aCampaign(application: Application) {
  const place = await aPlaceFor(application);
  const chance = seeded(SEED);
  let schema = 1;
  let count = 0;

  const campaign = {
    place,
    chance,
    durations: { good: 0, bad: 0 },
    /** Builds the next version. */
    async next(fault?: Fault) {
      count += 1;
      schema += 1;
      const version = `v${count}`;
      await place.build(version, { schema, slowMigrationMs: SLOW_MS, ...(fault === undefined ? {} : { fault }) });
      return { version, schema };
    },
    /** Releases one more good version: users see the same in it. */
    async releaseGood(before: Seen) {
      const { version } = await campaign.next();
      expectEnding(await place.release(version), 0, 'released');
      expect(await look(place)).toMatchObject({ version, list: before.list });
    },
    async recover(killed: { before: Seen; version: string; schema: number; mayBeLive: boolean }) {
      expectEnding(await place.holdfast(['recover']), 0, 'recovered', 'nothing-to-recover');
      const after = await look(place);
      if (after.version === killed.version && killed.mayBeLive) {
        expect(after.list).toBe(killed.before.list);
        expect(await schemaOf(place)).toBe(killed.schema);
      } else {
        expect(after).toEqual(killed.before);
      }
    },
    /** No recovery by hand: the next command that changes something recovers first. */
    async carryOn(how: 'release' | 'rollback', before: Seen) {
      if (how === 'release') return campaign.releaseGood(before);
      expectEnding(await place.holdfast(['rollback', '--data', 'keep']), 0, 'rolled-back');
      expect((await look(place)).list).toBe(before.list);
    },
    async expectAtRest() {
      await expectNoLeftovers(place);
      const { report } = await place.status();
      expect(report).toMatchObject({ reason: 'status', record: { lease: null, open: [], live: { state: 'good' } } });
      expectEnding(await place.holdfast(['recover']), 0, 'nothing-to-recover');
    },
  };

  const { version } = await campaign.next();
  expectEnding(await place.release(version), 0, 'released');
  await write(place, 'worth keeping');
  const before = await look(place);
  const startedAt = performance.now();
  await campaign.releaseGood(before);
  campaign.durations.good = performance.now() - startedAt;
  const bad = await campaign.next('nobody-can-log-in');
  const badStartedAt = performance.now();
  expectEnding(await place.release(bad.version), 1, 'rolled-back');
  campaign.durations.bad = performance.now() - badStartedAt;
  return campaign;
}

/** Kills the group after this time; says whether it was still at work. */
async function killAfter(underway: Underway, ms: number): Promise<string> {
  await Promise.race([sleep(ms), underway.ended]);
  underway.signalGroup('SIGKILL');
  const { signal, status, report, stderr } = await underway.ended;
  const last = stderr.trim().split('\n').at(-1);
  return signal === null ? `it had ended with ${status} (${report?.reason})` : `its last line was: ${last}`;
}

/** A failure tells at which moment the kill came. */
async function annotate(context: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error) error.message = `${context}\n${error.message}`;
    throw error;
  }
}
