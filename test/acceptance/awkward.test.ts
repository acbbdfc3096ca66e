import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { aSmallDisk } from '../support/small-disk.ts';
import { expectNoLeftovers } from './leftovers.ts';
import { APPLICATIONS, aPlaceFor, expectEnding, type Place } from './platform.ts';
import { isFull } from './scope.ts';
import { look, write } from './what-users-see.ts';

const [notes, guestbook] = APPLICATIONS;
if (notes === undefined || guestbook === undefined) throw new Error('there are no applications');
const NOBODY = 65_534;
/** What the quick form leaves to the full one. */
const thorough: (name: string, run: () => Promise<void>, timeoutMs?: number) => void = isFull ? it : () => {};

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.clean();
}, 30_000);

async function aPlace(root?: string, application = notes): Promise<Place> {
  if (application === undefined) throw new Error('there is no such application');
  const place = await aPlaceFor(application, root);
  places.push(place);
  return place;
}

/** Version v1 is live and good, and somebody has written to it. */
async function aLivePlace(root?: string, application = notes): Promise<Place> {
  const place = await aPlace(root, application);
  await place.build('v1');
  expectEnding(await place.release('v1'), 0, 'released');
  await write(place, 'worth keeping');
  return place;
}

/** Changes the configuration as a user with an editor would. */
async function edit(place: Place, from: string, to: string): Promise<void> {
  const path = join(place.folder, 'holdfast.yml');
  const text = await readFile(path, 'utf8');
  if (!text.includes(from)) throw new Error(`holdfast.yml has no ${from}`);
  await writeFile(path, text.replace(from, to));
}

describe('a person at the keyboard', () => {
  it('interrupts a release once: it goes back by itself and says so', async () => {
    const place = await aLivePlace();
    const before = await look(place);
    await place.build('v2', { schema: 2, slowMigrationMs: 300 });
    const release = place.beginRelease('v2');
    await release.said('start web v2');
    await sleep(200);

    release.signalGroup('SIGINT');
    const ended = await release.ended;

    expectEnding(ended, 130, 'rolled-back');
    expect(await look(place)).toEqual(before);
    await expectNoLeftovers(place);
  }, 60_000);

  thorough(
    'interrupts it twice: it ends at once, and one command brings everything back',
    async () => {
      const place = await aLivePlace();
      const before = await look(place);
      await place.build('v2', { schema: 2, fault: 'never-ready' });
      const release = place.beginRelease('v2');
      await release.said('start web v2');

      release.signalGroup('SIGINT');
      await sleep(300);
      release.signalGroup('SIGINT');
      const ended = await release.ended;

      expect(ended.status).toBe(130);
      expectEnding(await place.holdfast(['recover']), 0, 'recovered', 'nothing-to-recover');
      expect(await look(place)).toEqual(before);
      await expectNoLeftovers(place);
    },
    60_000,
  );

  it('starts a second release in another terminal: one works, the other is told who does', async () => {
    const place = await aLivePlace();
    await place.build('v2', { schema: 2, slowMigrationMs: 300 });
    await place.build('v3', { schema: 2 });
    const first = place.beginRelease('v2');
    await first.said('copy the state');

    const second = await place.release('v3');

    expectEnding(second, 1, 'not-started');
    expect(second.report?.summary).toMatch(/release by os:\w+/);
    expectEnding(await first.ended, 0, 'released');
    expect((await look(place)).version).toBe('v2');
    await expectNoLeftovers(place);
  }, 60_000);

  it('names an artifact that is not there: nothing is touched', async () => {
    const place = await aLivePlace();
    const before = await look(place);

    const ended = await place.release('v9');

    expect(ended).toMatchObject({ status: 2, report: { reason: 'artifact-missing' } });
    expect(await look(place)).toEqual(before);
    await expectNoLeftovers(place);
  });

  thorough('runs as a user to whom the root does not belong: told so, without a stack trace', async () => {
    const place = await aPlace();
    await place.build('v1');
    await mkdir(place.root, { mode: 0o755 });
    await chmod(place.folder, 0o755);

    const ended = await place.begin(['release', '--version', 'v1'], { ARTIFACT: 'builds/v1' }, NOBODY).ended;

    expect([2, 3]).toContain(ended.status);
    expect(ended.stdout + ended.stderr).toContain(place.root);
    expect(ended.stdout + ended.stderr).not.toMatch(/^\s+at /m);
    expect(await readdir(place.root)).toEqual([]);
  });
});

describe('an awkward place', () => {
  const names = `it's "Größe" & $HOME; äöü`;
  const roots = [
    { name: 'spaces, quotes, umlauts and a dollar', root: names },
    { name: 'that too, and a path too long for the name of a socket', root: `${'a long name/'.repeat(12)}${names}` },
  ];
  it.each(isFull ? roots : roots.slice(1))(
    '$name: releases, and comes back with its data',
    async ({ root }) => {
      const place = await aLivePlace(root, guestbook);
      const before = await look(place);
      await place.build('v2', { schema: 2, fault: 'destroys-data' });
      const elsewhere = join(place.folder, 'other-tmp');
      await mkdir(elsewhere);

      // Another shell has another folder for temporary files; the socket is found all the same.
      expectEnding(await place.release('v2', { TMPDIR: elsewhere }), 1, 'rolled-back');

      expect(await look(place)).toEqual(before);
      await expectNoLeftovers(place);
    },
    60_000,
  );

  thorough(
    'a disk that is full: a clear error, the old version answers, nothing is half-written',
    async () => {
      const place = await aLivePlace(join(await aSmallDisk(16), 'environment'));
      const before = await look(place);
      const artifact = await place.build('v2', { schema: 2 });
      await writeFile(join(artifact, 'ballast'), Buffer.alloc(40 * 1024 * 1024, 'x'));

      const ended = await place.release('v2');

      expect(ended.status).toBeGreaterThan(0);
      expect(ended.status).toBeLessThan(4);
      expect(ended.stdout + ended.stderr).toMatch(/disk|space|room/i);
      expect(await look(place)).toEqual(before);
      await rm(join(artifact, 'ballast'));
      expectEnding(await place.release('v2'), 0, 'released');
      await expectNoLeftovers(place);
    },
    60_000,
  );

  thorough(
    'a disk that the migration fills: nothing is lost, and once there is room one command brings everything back',
    async () => {
      const place = await aLivePlace(join(await aSmallDisk(16), 'environment'));
      const before = await look(place);
      await place.build('v2', { schema: 2, quirk: 'fills-the-disk', fault: 'destroys-data' });

      const ended = await place.release('v2');

      // With a disk that is full even the way back may not be able to begin: then it says so as loudly as it can.
      expect([1, 4]).toContain(ended.status);
      await rm(join(place.root, 'shared/web/notes/ballast'), { force: true });
      expectEnding(await place.holdfast(['recover']), 0, 'recovered', 'nothing-to-recover');
      expect(await look(place)).toEqual(before);
      await expectNoLeftovers(place);
    },
    60_000,
  );

  it('a port that a stranger holds: noticed before anything is stopped', async () => {
    const place = await aPlace();
    await place.build('v1');
    const stranger = createServer().listen(place.port, '127.0.0.1');
    await new Promise((resolve) => stranger.once('listening', resolve));

    const ended = await place.release('v1');
    await new Promise((resolve) => stranger.close(resolve));

    expectEnding(ended, 1, 'not-started');
    expect(ended.report?.summary).toContain(`port ${place.port}`);
    expect(place.processes()).toEqual([]);
    expectEnding(await place.release('v1'), 0, 'released');
  }, 60_000);
});

describe('an awkward application', () => {
  thorough(
    'a program that is not there: told by name, the old version answers',
    async () => {
      const place = await aLivePlace();
      const before = await look(place);
      await place.build('v2');
      await edit(place, 'command: [node, server.js]', 'command: [no-such-program, server.js]');

      const ended = await place.release('v2');

      expectEnding(ended, 1, 'rolled-back');
      expect(ended.stdout).toContain('no-such-program');
      expect(await look(place)).toEqual(before);
      await expectNoLeftovers(place);
    },
    60_000,
  );

  thorough(
    'children that outlive it, in its group and in sessions of their own: none is left',
    async () => {
      const place = await aPlace();
      await place.build('v1', { quirk: 'leaves-children' });
      await edit(place, 'run: { command', 'run: { stop: { timeout: 1s }, command');
      expectEnding(await place.release('v1'), 0, 'released');
      await place.build('v2', { schema: 2 });

      expectEnding(await place.release('v2'), 0, 'released');

      await expectNoLeftovers(place);
    },
    60_000,
  );

  thorough(
    'a health path that redirects: not healthy, and the answer is told',
    async () => {
      const place = await aLivePlace();
      const before = await look(place);
      await place.build('v2', { quirk: 'redirects' });

      const ended = await place.release('v2');

      expectEnding(ended, 1, 'rolled-back');
      expect(ended.stdout).toContain('/healthz answers 302');
      expect(await look(place)).toEqual(before);
    },
    60_000,
  );

  it('a log that tells a secret: it is in no output of ours', async () => {
    const place = await aLivePlace();
    await place.build('v2', { quirk: 'tells-its-key', fault: 'exit-zero-at-start' });

    const ended = await place.release('v2');

    expectEnding(ended, 1, 'rolled-back');
    expect(ended.stdout + ended.stderr).toContain('the key is');
    expect(ended.stdout + ended.stderr).not.toContain(place.env.APP_KEY);
  }, 60_000);

  thorough(
    'an artifact of 200 MB: staged whole',
    async () => {
      const place = await aPlace();
      const artifact = await place.build('v1');
      const sizeBytes = (isFull ? 200 : 20) * 1024 * 1024;
      await writeFile(join(artifact, 'ballast'), Buffer.alloc(sizeBytes, 'x'));

      expectEnding(await place.release('v1'), 0, 'released');

      expect((await stat(join(place.root, 'current/web/ballast'))).size).toBe(sizeBytes);
    },
    60_000,
  );
});

describe('what killed processes left', () => {
  it('a lease that cannot be read is told by its path, and nobody waits for it', async () => {
    const place = await aLivePlace();
    const lease = join(place.root, '.holdfast/lease.json');
    await writeFile(lease, '{"schema":1,"half');

    const ended = await place.release('v1');

    expect(ended).toMatchObject({ status: 3, report: { reason: 'target-damaged' } });
    expect(ended.stderr).toContain(lease);
    await rm(lease);
    expectEnding(await place.holdfast(['recover']), 0, 'nothing-to-recover');
  }, 60_000);

  it('is removed by recover; scratch of a process that still works is not', async () => {
    const place = await aLivePlace();
    const own = join(place.root, '.holdfast');
    const [, , , , , , , , , , , , , , , , , , , , , start] = (await readFile('/proc/self/stat', 'utf8'))
      .replace(/\(.*\)/, '()')
      .split(' ');
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const working = join(own, `scratch/${process.pid}@${boot}:${start}/backup-b-1`);
    const left = [
      join(own, 'scratch/4194000@gone/backup-b-2'),
      join(place.root, 'releases/.staging-r-0'),
      join(place.root, 'releases/r-0'),
    ];
    for (const folder of [working, ...left]) await mkdir(folder, { recursive: true });

    expectEnding(await place.holdfast(['recover']), 0, 'nothing-to-recover');

    expect((await readdir(join(own, 'scratch'))).filter((name) => name.startsWith('4194000'))).toEqual([]);
    expect(await stat(working)).toBeDefined();
    expect(await readdir(join(place.root, 'releases'))).toHaveLength(1);
  });
});
