import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Baseline } from '../../src/checks/baseline.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { release } from '../../src/pipeline/release.ts';
import { baselineAccept, baselineDiff, baselineRecord, baselineShow } from '../../src/validate/baselines.ts';
import { validateAction } from '../../src/validate/command.ts';
import { fakeArtifacts } from '../support/artifacts.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';
import { lookAtTree } from '../support/tree.ts';
import { aWorkflow } from '../support/workflow.ts';

const platform = aPlatform();
let shop: Shop;
let settings: Configuration;

const record = (write = false) => baselineRecord.run({ inputs: { write }, settings }, platform);
const show = (id = 'latest') => baselineShow.run({ inputs: { id }, settings }, platform);
const diff = (a: string, b: string) => baselineDiff.run({ inputs: { a, b }, settings }, platform);
const accept = (id?: string) => baselineAccept.run({ inputs: { id }, settings }, platform);
const validate = (changes: Partial<Configuration> = {}) =>
  validateAction.run({ inputs: {}, settings: { ...settings, ...changes } }, platform);

function baselineIn(report: { record?: Record<string, unknown> | undefined }): Baseline {
  return Baseline.parse(report.record?.['baseline']);
}

describe('before anything is live', () => {
  it('nothing can be validated, recorded, shown or accepted', async () => {
    shop = await aShop();
    settings = shop.configuration('v1');

    await expect(validate()).rejects.toMatchObject({ code: 'nothing-live' });
    await expect(record()).rejects.toMatchObject({ code: 'nothing-live' });
    await expect(show()).rejects.toMatchObject({ code: 'no-baseline' });
    await expect(accept()).rejects.toMatchObject({ code: 'no-baseline' });
    expect(await lookAtTree(shop.root)).toEqual({});
    await shop.close();
  });
});

describe('with a live release', () => {
  beforeAll(async () => {
    shop = await aShop();
    settings = shop.configuration('v1');
    await shop.build('v1');
    const report = await release({ version: 'v1', service: undefined, withoutProof: undefined }, settings, platform);
    if (report.reason !== 'released') throw new Error(report.summary);
  });

  afterAll(async () => {
    await shop.close();
  });

  describe('validate', () => {
    it('checks the live release and writes nothing', async () => {
      const before = await lookAtTree(join(shop.root, '.holdfast'));

      const report = await validate();

      expect(report).toMatchObject({ decision: 'proceed', reason: 'validated', subject: { version: 'v1' } });
      expect(report.findings.map(({ check }) => check)).toContain('notes-are-listed');
      const after = await lookAtTree(join(shop.root, '.holdfast'));
      expect(Object.keys(after).filter((path) => !path.startsWith('scratch'))).toEqual(
        Object.keys(before).filter((path) => !path.startsWith('scratch')),
      );
    });

    it('stops when a check of the configuration fails', async () => {
      const [name, check] = Object.entries(settings.validate.checks)[0] ?? [];
      if (name === undefined || check?.kind !== 'http') throw new Error('the shop has no check');
      const strict = { ...check, expect: { ...check.expect, contains: 'something that nobody wrote' } };

      const report = await validate({ validate: { ...settings.validate, checks: { [name]: strict } } });

      expect(report).toMatchObject({ decision: 'stop', reason: 'check-failed' });
    });
  });

  describe('baseline', () => {
    it('records without making it count, and counts once it is accepted', async () => {
      const promoted = baselineIn(await show());

      const recorded = await record();

      const { id, version, checks } = baselineIn(recorded);
      expect(recorded).toMatchObject({ decision: 'proceed', reason: 'recorded', findings: [] });
      expect(version).toBe('v1');
      expect(Object.keys(checks)).toContain('notes-are-listed');
      expect(baselineIn(await show()).id).toBe(promoted.id);

      const accepted = await accept();

      expect(accepted).toMatchObject({ reason: 'accepted', record: { before: promoted.id } });
      expect(baselineIn(await show()).id).toBe(id);
      expect((await accept()).reason).toBe('accepted-already');
      expect((await accept(promoted.id.slice(0, 10))).reason).toBe('accepted');
      expect(baselineIn(await show()).id).toBe(promoted.id);
    });

    it('shows what it holds as a table', async () => {
      const report = await show();

      expect(report.summary).toMatch(/^[0-9a-f]{12} holds \d+ checks of v1 in local, .*compared with it$/);
      const text = JSON.stringify(baselineShow.present?.(report));
      expect(text).toContain('["notes-are-listed","200"');
    });

    it('writes the reviewed file, tells what differs in it, and that somebody edited it', async () => {
      const { record: told } = await record(true);
      const path = join(shop.folder, 'baselines', 'shop', 'local.json');
      const written = Baseline.parse(JSON.parse(await readFile(path, 'utf8')));
      const notes = written.checks['notes-are-listed'] ?? {};
      const edited = { ...written, checks: { 'notes-are-listed': { ...notes, status: 404 }, other: {} } };
      await writeFile(join(shop.folder, 'edited.json'), JSON.stringify(edited));

      const same = await diff(written.id, 'baselines/shop/local.json');
      const different = await diff(path, 'edited.json');

      expect(told).toMatchObject({ path });
      expect(same).toMatchObject({ reason: 'same', findings: [] });
      expect(different).toMatchObject({ decision: 'proceed', reason: 'different' });
      expect(different.findings).toEqual([expect.objectContaining({ check: 'baseline-intact', outcome: 'warn' })]);
      const rows = JSON.stringify(baselineDiff.present?.(different));
      expect(rows).toContain('["notes-are-listed","answers 404, was 200"]');
      expect(rows).toContain('["other","is new"]');
    });

    it.each([
      { name: 'an id that nobody recorded', id: '0123456789', code: 'no-baseline' },
      { name: 'a file that is not there', id: 'nowhere.json', code: 'no-baseline' },
      { name: 'a file that is something else', id: 'holdfast.yml', code: 'not-a-baseline' },
    ])('refuses $name', async ({ id, code }) => {
      await expect(show(id)).rejects.toMatchObject({ code });
    });

    it('accepts none of its own where the reviewed one of another environment counts', async () => {
      const reviewed = { ...settings, validate: { ...settings.validate, baseline: { from: 'staging' } } };

      const accepting = baselineAccept.run({ inputs: {}, settings: reviewed }, platform);

      await expect(accepting).rejects.toMatchObject({ code: 'baseline-is-a-file' });
    });

    it('is kept as an artifact of the run as well, where a workflow runs and the release is good', async () => {
      const artifacts = fakeArtifacts(1);
      const onGithub = aPlatform({ workflow: aWorkflow({ artifacts }) });
      const recording = () => baselineRecord.run({ inputs: { write: false }, settings }, onGithub);

      const { id } = baselineIn(await recording());

      const [{ artifact, files } = { artifact: undefined, files: new Map<string, Buffer>() }] = artifacts.kept;
      expect(artifact?.name).toBe('holdfast-baseline-shop.local');
      expect(Baseline.parse(JSON.parse(String(files.get('baseline.json')))).id).toBe(id);

      const { book } = await openEnvironment(settings, platform, { create: false });
      const live = (await book.live())?.record.release ?? '';
      await book.mark(live, 'live');
      await recording();
      await book.mark(live, 'good');
      expect(artifacts.kept).toHaveLength(1);
    });

    it('warns when it is recorded of a release that is not good', async () => {
      const { book } = await openEnvironment(settings, platform, { create: false });
      const live = (await book.live())?.record.release ?? '';
      await book.mark(live, 'live');

      const report = await record();

      await book.mark(live, 'good');
      expect(report.findings).toEqual([expect.objectContaining({ check: 'baseline-of-a-good-release' })]);
    });
  });
});
