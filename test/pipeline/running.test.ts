import { appendFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEnvironment } from '../../src/environment/environment.ts';
import { status } from '../../src/inspect/status.ts';
import { release } from '../../src/pipeline/release.ts';
import { start, stop } from '../../src/pipeline/running.ts';
import { recoverEnvironment } from '../../src/recover/action.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

let shop: Shop;

beforeEach(async () => {
  shop = await aShop();
  await shop.build('v1');
  await release({ version: 'v1', service: undefined, withoutProof: undefined }, shop.configuration('v1'), aPlatform());
});

afterEach(() => shop.close());

describe('recovery', () => {
  it('starts what is live and does not run, as after a reboot', async () => {
    await stop.run({ inputs: {}, settings: shop.configuration('v1') }, aPlatform());

    const recovered = await recoverEnvironment(shop.configuration('v1'), aPlatform());
    const again = await recoverEnvironment(shop.configuration('v1'), aPlatform());

    expect(recovered).toMatchObject({ reason: 'recovered', summary: expect.stringContaining('started v1') });
    expect(await shop.ask('clock', '/version')).toBe('v1');
    expect(again.reason).toBe('nothing-to-recover');
  });
});

describe('an environment', () => {
  it('that was stopped runs again when it is started, and starting what runs changes nothing', async () => {
    const call = { inputs: {}, settings: shop.configuration('v1') };

    const stopped = await stop.run(call, aPlatform());
    const down = await status.run(call, aPlatform());
    await expect(shop.ask('web', '/version')).rejects.toThrow();
    const started = await start.run(call, aPlatform());
    const before = await status.run(call, aPlatform());
    const again = await start.run(call, aPlatform());
    const after = await status.run(call, aPlatform());

    expect([stopped.reason, started.reason, again.reason]).toEqual(['stopped', 'running', 'running']);
    expect(down).toMatchObject({ decision: 'stop', reason: 'not-running' });
    expect(await shop.ask('web', '/version')).toBe('v1');
    expect(after.record?.['services']).toEqual(before.record?.['services']);
  });

  it('is stopped as each service says, however long its end may take', async () => {
    const saved = join(shop.folder, 'saved');
    await shop.build('v2');
    const program = `process.on('SIGTERM', () => setTimeout(() => { require('node:fs').writeFileSync('${saved}', 'all'); process.exit(0); }, 6500));`;
    await appendFile(join(shop.folder, 'build/clock-v2/server.cjs'), program);
    const settings = shop.configuration('v2', ['services.clock.run.stop.timeout=15s']);
    await release({ version: 'v2', service: undefined, withoutProof: undefined }, settings, aPlatform());

    await stop.run({ inputs: {}, settings }, aPlatform());

    expect(await readFile(saved, 'utf8')).toBe('all');
  });

  it('whose live version does not start any more can be released anew', async () => {
    const call = { inputs: {}, settings: shop.configuration('v1') };
    await stop.run(call, aPlatform());
    const { book, layout } = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    const live = (await book.live())?.record.release ?? '';
    await rm(join(layout.service(live, 'web'), 'server.cjs'));
    const started = await start.run(call, aPlatform());
    await shop.build('v2');

    const next = await release(
      { version: 'v2', service: undefined, withoutProof: undefined },
      shop.configuration('v2'),
      aPlatform(),
    );

    expect(started.reason).toBe('unsafe');
    expect(next.reason).toBe('released');
    expect(await shop.ask('web', '/version')).toBe('v2');
  });
});
