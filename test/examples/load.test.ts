import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aWorkshop, holdSocket } from './navigator.ts';

let workshop: Awaited<ReturnType<typeof aWorkshop>>;
let v1: string;
let v2: string;

beforeAll(async () => {
  workshop = await aWorkshop();
  [v1, v2] = [await workshop.build('v1'), await workshop.build('v2')];
});
afterAll(() => workshop.clean());

const none = { reset: 0, timeout: 0, status5xx: 0 };

describe('load', () => {
  it('sends at least 300 requests a second, a fifth of them writes, and says so every second', async () => {
    const server = await workshop.start(v1, 'steady');
    const load = workshop.load(server.url);
    await sleep(3500);
    const summary = await load.stop();

    expect(summary).toMatchObject({ final: true, failures: none, status4xx: 0 });
    expect(summary.perSecond).toBeGreaterThanOrEqual(300);
    expect(summary.writesAccepted / summary.requests).toBeCloseTo(0.2, 1);
    expect(load.lines.length).toBeGreaterThanOrEqual(3);
    await server.stop();
  });

  it('counts no failure while versions follow one another on a held socket, one at a time', async () => {
    const socket = holdSocket();
    let live = await workshop.start(v1, 'held', {}, socket);
    const load = workshop.load(live.url);
    await sleep(1000);
    for (const artifact of [v2, v1, v2]) {
      expect(await live.stop()).toMatchObject({ status: 0 });
      // Room for a migration or a restore: nobody runs, everybody waits.
      await sleep(300);
      live = await workshop.start(artifact, 'held', {}, socket);
      await sleep(500);
    }
    const summary = await load.stop();

    expect(summary).toMatchObject({ failures: none, wrongAnswers: 0, status4xx: 0 });
    expect(Object.keys(summary.versions).sort()).toEqual(['v1', 'v2']);
    await live.stop();
    socket.close();
  });

  it('counts no failure while a successor shares the socket and the old version drains', async () => {
    const socket = holdSocket();
    const old = await workshop.start(v1, 'shared', {}, socket);
    const load = workshop.load(old.url);
    await sleep(1000);
    const next = await workshop.start(v2, 'shared', {}, socket);
    expect(await old.stop()).toMatchObject({ status: 0 });
    await sleep(500);
    const summary = await load.stop();

    expect(summary).toMatchObject({ failures: none, status4xx: 0 });
    expect(summary.versions['v2']).toBeGreaterThan(0);
    await next.stop();
    socket.close();
  });

  it('counts failures when the service is restarted plainly', async () => {
    const old = await workshop.start(v1, 'restarted');
    const port = new URL(old.url).port;
    const load = workshop.load(old.url);
    await sleep(1000);
    await old.stop();
    const next = await workshop.start(v1, 'restarted', { PORT: port });
    await sleep(500);
    const summary = await load.stop();

    expect(summary.failures.reset).toBeGreaterThan(0);
    await next.stop();
  });

  it.each([
    { as: 'failures', args: [], expected: { wrongAnswers: 0 } },
    { as: 'wrong answers of a version named as bad', args: ['--bad-version', 'bad'], expected: { failures: none } },
  ])('counts a 5xx as $as', async ({ args, expected }) => {
    const bad = await workshop.build('bad', 'errors-on-one-endpoint');
    const server = await workshop.start(bad, 'bad');
    const load = workshop.load(server.url, ...args);
    await sleep(1200);
    const summary = await load.stop();

    expect(summary).toMatchObject(expected);
    expect(summary.failures.status5xx + summary.wrongAnswers).toBeGreaterThan(0);
    await server.stop();
  });

  it('logs in again when its token is refused', async () => {
    const socket = holdSocket();
    const old = await workshop.start(v1, 'rekeyed', {}, socket);
    const load = workshop.load(old.url);
    await sleep(1000);
    await old.stop();
    const next = await workshop.start(v1, 'rekeyed', { JWT_SECRET: 'another signing key, also long enough' }, socket);
    await sleep(1000);
    const summary = await load.stop();

    expect(summary.failures).toEqual(none);
    // Those that were under way with the old token, at most one of each client or so, and then no more.
    expect(summary.status4xx).toBeGreaterThan(0);
    expect(summary.status4xx).toBeLessThanOrEqual(64);
    await next.stop();
    socket.close();
  });

  it('counts a wait above five seconds as a timeout, and ends on SIGTERM with its summary', async () => {
    const socket = holdSocket();
    const server = await workshop.start(v1, 'stopped', {}, socket);
    const load = workshop.load(server.url);
    await sleep(800);
    await server.stop();
    await sleep(5500);
    load.child.kill('SIGTERM');
    const summary = await load.stop();

    expect(summary.failures.timeout).toBeGreaterThan(0);
    expect(summary.longestWaitMs).toBeGreaterThanOrEqual(5000);
    socket.close();
  });
});
