import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { release } from '../../src/pipeline/release.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'holdfast.js');

let shop: Shop;

beforeEach(async () => {
  shop = await aShop();
  for (const version of ['v1', 'v2']) {
    await shop.build(version);
    await release({ version, service: undefined, withoutProof: undefined }, shop.configuration(version), aPlatform());
  }
});

afterEach(() => shop.close());

/** The command line of somebody who has the file and none of its secrets. */
async function holdfast(...args: string[]): Promise<{ status: number; output: string }> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], VERSION: 'v2' };
  return promisify(execFile)(process.execPath, [BIN, ...args], { cwd: shop.folder, env })
    .then(({ stdout, stderr }) => ({ status: 0, output: stdout + stderr }))
    .catch((error: { code: number; stdout: string; stderr: string }) => ({
      status: error.code,
      output: error.stdout + error.stderr,
    }));
}

describe('somebody without the secrets of a release', () => {
  it('may look, hold, recover and go back, which needs none of them', async () => {
    const looked = await Promise.all([holdfast('status'), holdfast('releases'), holdfast('recover')]);
    const back = await holdfast('rollback');

    expect(looked.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(looked[0]?.output).toContain('v2 is live');
    expect(back).toMatchObject({ status: 0, output: expect.stringContaining('v1 is live again') });
    expect(await shop.ask('web', '/version')).toBe('v1');
  }, 60_000);

  it('may not release, and is told which one is missing', async () => {
    const { status, output } = await holdfast('release', '--version', 'v3');

    expect(status).toBe(2);
    expect(output).toContain('SIGNING_KEY');
  });
});
