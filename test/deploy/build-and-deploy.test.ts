import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { buildAction } from '../../actions/build/action.ts';
import { deployStep } from '../../actions/deploy/step.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { stopEverything } from '../../src/environment/teardown.ts';
import { recordOutput } from '../../src/hosts/record-output.ts';
import type { Platform } from '../../src/platform/platform.ts';
import type { Workflow } from '../../src/platform/workflow.ts';
import { aWorkflow } from '../support/artifacts.ts';
import { aBuiltShop, type BuiltShop } from '../support/built-shop.ts';
import { aPlatform } from '../support/platform.ts';

const SECRETS = { PASSWORD: 'hunter2-hunter2' };
const running: BuiltShop[] = [];

afterEach(async () => {
  for (const { configuration } of running.splice(0)) {
    await stopEverything(await openEnvironment(configuration, aPlatform(), { create: false }));
  }
});

/** The checkout of another job, on another machine: nothing is built there. */
async function anotherJob(): Promise<BuiltShop> {
  const shop = await aBuiltShop({ secrets: SECRETS });
  running.push(shop);
  return shop;
}

async function deploy(shop: BuiltShop, built: string | undefined, platform: Partial<Platform>) {
  const inputs = { version: 'v1', built, lease: 'free' as const };
  return await deployStep.run({ inputs, settings: shop.configuration }, aPlatform(platform));
}

async function build(workflow: Workflow): Promise<string> {
  const { configuration: settings } = await aBuiltShop();
  const report = await buildAction.run({ inputs: { artifact: undefined }, settings }, aPlatform({ workflow }));
  return recordOutput(report, (text) => text);
}

/** As the action `build` hands it on. */
const handedOn = (record: object) =>
  JSON.stringify({
    ...{ action: 'build', decision: 'proceed', reason: 'named', record },
    subject: { project: 'shop', environment: 'production' },
  });

describe('what one job built', () => {
  it('is deployed by another, with modes and links, and is not built again', async () => {
    const workflow = aWorkflow();
    const artifact = await build(workflow);
    const shop = await anotherJob();
    // Left on this machine by somebody: it is replaced, not added to.
    await mkdir(join(shop.folder, 'out/web'), { recursive: true });
    await writeFile(join(shop.folder, 'out/web/stale'), 'of an older build');

    const report = await deploy(shop, artifact, { workflow });

    expect(report).toMatchObject({ decision: 'proceed', reason: 'deployed' });
    const live = join(shop.folder, 'environment/current/web');
    expect((await readdir(live)).sort()).toEqual(['run', 'start']);
    expect((await stat(join(live, 'start'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(live, 'run'))).toBe('start');
    expect(await readdir(shop.folder)).not.toContain('environment-of-the-build.json');
    expect((await readdir(shop.folder)).filter((name) => name.startsWith('.holdfast-'))).toEqual([]);
    expect(await readFile(join(shop.folder, 'environment/current/static/index.html'), 'utf8')).toBe('hello');
  });

  it('is not deployed by a job of another run, and nothing has changed then', async () => {
    const artifact = await build(aWorkflow());
    const shop = await anotherJob();

    await expect(deploy(shop, artifact, { workflow: aWorkflow({ id: 4712 }) })).rejects.toMatchObject({
      code: 'artifact-of-another-run',
    });

    expect(await readdir(join(shop.folder, 'environment/releases'))).toEqual([]);
    expect(await readdir(shop.folder)).not.toContain('out');
  });

  it('is not there where nothing had to be built: then the deploy builds as ever', async () => {
    const shop = await anotherJob();

    const built = handedOn({ artifact: null });

    const report = await deploy(shop, built, { workflow: aWorkflow() });

    expect(report.reason).toBe('deployed');
    expect(await readdir(shop.folder)).toContain('environment-of-the-build.json');
  });

  it('cannot be taken where no workflow runs', async () => {
    const shop = await anotherJob();

    await expect(deploy(shop, await build(aWorkflow()), {})).rejects.toMatchObject({ code: 'no-workflow' });

    expect(await readdir(shop.folder)).not.toContain('environment');
  });

  it('may not write into the root of the environment', async () => {
    const workflow = aWorkflow();
    const { id, name, digest, run } = workflow.artifacts.add('mine', {
      'environment/releases/a': 'evil',
      'out/web/start': 'x',
    });
    const shop = await anotherJob();
    const artifact = handedOn({ artifact: { id, name, digest, run, sha256: null } });

    await expect(deploy(shop, artifact, { workflow })).rejects.toMatchObject({ code: 'artifact-unsafe' });

    expect(await readdir(join(shop.folder, 'environment/releases'))).toEqual([]);
  });
});
