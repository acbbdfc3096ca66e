import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { buildAction } from '../../actions/build/action.ts';
import type { Handover } from '../../src/core/handover.ts';
import { artifactIn } from '../../src/deploy/recorded-artifact.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { aWorkflow, RUN } from '../support/artifacts.ts';
import { aBuiltShop, type BuiltShop } from '../support/built-shop.ts';
import { aPlatform } from '../support/platform.ts';

async function keep({ configuration: settings }: BuiltShop, platform: Partial<Platform>, artifact?: string) {
  return await buildAction.run({ inputs: { artifact }, settings }, aPlatform(platform));
}

const handoverOf = (record: Handover['record'] = {}): Handover => ({
  ...{ action: 'build', decision: 'proceed', reason: 'built', summary: '', tookMs: 0 },
  subject: { project: 'shop', environment: 'production' },
  record,
});

describe('the action build', () => {
  it('builds what has a build, keeps it with the run and records what later jobs must get', async () => {
    const workflow = aWorkflow();

    const report = await keep(await aBuiltShop(), { workflow });

    expect(report).toMatchObject({ decision: 'proceed', reason: 'built', action: 'build' });
    expect(report.record).toEqual({
      artifact: {
        ...{ id: 1, name: 'holdfast-build-shop.production', run: RUN },
        digest: workflow.artifacts.kept[0]?.artifact.digest,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect([...(workflow.artifacts.kept[0]?.files.keys() ?? [])]).toEqual(['holdfast-build.tar.gz']);
    expect(artifactIn(handoverOf(report.record))).toEqual(report.record?.['artifact']);
  });

  it('keeps the same bytes when it is run again, under a name of its own', async () => {
    const first = aWorkflow();
    const again = aWorkflow({ attempt: 2 });

    await keep(await aBuiltShop(), { workflow: first });
    await keep(await aBuiltShop(), { workflow: again });

    expect(again.artifacts.kept[0]?.artifact.name).toBe('holdfast-build-shop.production.2');
    expect(again.artifacts.kept[0]?.artifact.digest).toBe(first.artifacts.kept[0]?.artifact.digest);
  });

  it('gives a build PATH, HOME, LANG and TZ and what of its service is no secret, and nothing of the job', async () => {
    const identity = {
      ...aPlatform().identity,
      environment: { PATH: process.env['PATH'] ?? '', HOME: '/h', TZ: 'UTC' },
    };

    for (const secrets of [undefined, { PASSWORD: 'hunter2-hunter2' }]) {
      const shop = await aBuiltShop(secrets === undefined ? {} : { secrets });
      await keep(shop, { workflow: aWorkflow(), identity });

      const seen = JSON.parse(await readFile(join(shop.folder, 'environment-of-the-build.json'), 'utf8'));
      expect(seen).toEqual({ ...identity.environment, MODE: 'fast' });
    }
  });

  it('proceeds with nothing where no service has a build', async () => {
    const services = '  web: { artifact: static, run: { command: [./start] } }';
    const workflow = aWorkflow();

    const report = await keep(await aBuiltShop({ services }), { workflow });

    expect(report).toMatchObject({ decision: 'proceed', reason: 'nothing-to-build', record: { artifact: null } });
    expect(workflow.artifacts.kept).toEqual([]);
    expect(artifactIn(handoverOf(report.record))).toBeUndefined();
  });

  it.each([
    { name: 'fails', command: '[node, -e, "console.error(1); process.exit(3)"]', code: 'build-failed' },
    { name: 'cannot be started', command: '[no-such-program]', code: 'build-failed' },
    { name: 'takes too long', command: '[sleep, "60"]', code: 'build-failed', timeout: '200ms' },
    { name: 'leaves nothing', command: '[node, -e, ""]', code: 'artifact-missing' },
    { name: 'needs a secret', command: '[echo, "${PASSWORD}"]', code: 'secret-not-here' },
  ])('keeps nothing when a build $name', async ({ command, code, timeout = '20s' }) => {
    const build = `{ command: ${command}, output: out, timeout: ${timeout} }`;
    const services = `  web: { build: ${build}, run: { command: [./run] } }`;
    const workflow = aWorkflow();

    await expect(keep(await aBuiltShop({ services }), { workflow })).rejects.toMatchObject({ code });

    expect(workflow.artifacts.kept).toEqual([]);
  });

  it('needs the run of a workflow', async () => {
    await expect(keep(await aBuiltShop(), {})).rejects.toMatchObject({ code: 'no-workflow' });
  });
});

describe('the action build with the name of an artifact', () => {
  it('builds nothing and records that one', async () => {
    const workflow = aWorkflow();
    const { id, name, digest } = workflow.artifacts.add('mine', { 'build/a': 'b' });
    const shop = await aBuiltShop();

    const report = await keep(shop, { workflow }, 'mine');

    expect(report).toMatchObject({ decision: 'proceed', reason: 'named' });
    expect(report.record).toEqual({ artifact: { id, name, digest, run: RUN, sha256: null } });
    await expect(readFile(join(shop.folder, 'environment-of-the-build.json'))).rejects.toThrow('ENOENT');
  });

  it('refuses one that this run does not have, or has no longer, and names the run', async () => {
    const workflow = aWorkflow();
    workflow.artifacts.add('of-another', {}, RUN - 1);
    workflow.artifacts.change(workflow.artifacts.add('gone', {}).id, { isExpired: true });

    for (const name of ['missing', 'of-another', 'gone']) {
      await expect(keep(await aBuiltShop(), { workflow }, name)).rejects.toMatchObject({
        code: 'artifact-missing',
        message: expect.stringContaining(workflow.run.url),
      });
    }
  });

  it('refuses to choose between two, but not between one that has expired and one that has not', async () => {
    const workflow = aWorkflow();
    const first = workflow.artifacts.add('twice', { a: '1' });
    const second = workflow.artifacts.add('twice', { a: '2' });

    await expect(keep(await aBuiltShop(), { workflow }, 'twice')).rejects.toMatchObject({ code: 'artifact-ambiguous' });
    workflow.artifacts.change(first.id, { isExpired: true });
    expect((await keep(await aBuiltShop(), { workflow }, 'twice')).record).toMatchObject({
      artifact: { id: second.id },
    });
  });

  it('refuses one whose digest nobody knows', async () => {
    const workflow = aWorkflow();
    workflow.artifacts.change(workflow.artifacts.add('old', {}).id, { digest: '' });

    await expect(keep(await aBuiltShop(), { workflow }, 'old')).rejects.toMatchObject({ code: 'artifact-missing' });
  });
});

describe('what the action handed on, as an input', () => {
  it('is none where it did not run, and where it built nothing', () => {
    expect(artifactIn(undefined)).toBeUndefined();
    expect(artifactIn(handoverOf({ artifact: null }))).toBeUndefined();
  });

  it.each([{}, { artifact: [] }, { artifact: 'x' }, { artifact: { id: '1' } }])(
    'is refused when it is %j',
    (record) => {
      expect(() => artifactIn(handoverOf(record))).toThrow('not what the action `build` handed on');
    },
  );
});
