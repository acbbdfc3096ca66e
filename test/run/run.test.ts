import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEnvironment } from '../../src/environment/environment.ts';
import { release } from '../../src/pipeline/release.ts';
import { run } from '../../src/run/run.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

let shop: Shop;

beforeEach(async () => {
  shop = await aShop();
  await shop.build('v1');
  await release({ version: 'v1', service: undefined, withoutProof: undefined }, shop.configuration('v1'), aPlatform());
});

afterEach(() => shop.close());

const runInWeb = (...command: [string, ...string[]]) =>
  run.run({ inputs: { service: 'web', command }, settings: shop.configuration('v1') }, aPlatform());

describe('a one-off command', () => {
  it('has the environment of the live service, and its status is told', async () => {
    const wrote = await runInWeb('sh', '-c', 'echo "$HOLDFAST_VERSION $PORT" >"$HOLDFAST_SHARED/data/told"');
    const failed = await runInWeb('sh', '-c', 'exit 3');

    const port = shop.configuration('v1').services['web']?.run.port;
    expect(wrote).toMatchObject({ decision: 'proceed', reason: 'ran' });
    expect(await readFile(join(shop.root, 'shared/web/data/told'), 'utf8')).toBe(`v1 ${port}\n`);
    expect(failed).toMatchObject({ decision: 'stop', reason: 'failed', record: { status: 3 } });
  });

  (userInfo().uid === 0 ? it : it.skip)('runs as the user of the live service', async () => {
    await chmod(shop.folder, 0o755);
    const { book, layout } = await openEnvironment(shop.configuration('v1'), aPlatform(), { create: false });
    // As if it had been released under systemd, which this computer may not have.
    const path = layout.secretSettings((await book.live())?.record.release ?? '');
    const settings = JSON.parse(await readFile(path, 'utf8'));
    settings.services.web.run.user = 'nobody';
    await writeFile(path, JSON.stringify(settings));

    const ran = await runInWeb('sh', '-c', 'id -un >"$HOLDFAST_SHARED/data/told"');

    const told = join(shop.root, 'shared/web/data/told');
    expect(ran).toMatchObject({ reason: 'ran' });
    expect(await readFile(told, 'utf8')).toBe('nobody\n');
    expect((await stat(told)).uid).toBe((await stat(join(shop.root, 'shared/web'))).uid);
  });
});
