import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const PASSES = "it('passes', () => {});";
const FAILS = "it('fails', () => { throw new Error('on purpose'); });";

/** Runs `npm test`'s script over a folder of its own with these suites. */
function runTests(suites: readonly string[], environment: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-script-'));
  try {
    for (const [index, text] of suites.entries()) writeFileSync(join(folder, `suite-${index}.test.js`), text);
    const configuration = JSON.stringify({ rootDir: folder, transform: {} });
    const { status, stdout } = spawnSync(process.execPath, [resolve('scripts/test.js'), '--config', configuration], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
    return { status, closing: stdout.trimEnd().split('\n').at(-1) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('npm test', () => {
  it.each([
    { name: 'all pass', suites: [PASSES, PASSES], status: 0, closing: '2 passed, 0 failed' },
    { name: 'one fails', suites: [PASSES + FAILS], status: 1, closing: '1 passed, 1 failed' },
    { name: 'a suite cannot run', suites: [PASSES, 'throw new Error()'], status: 1, closing: '1 passed, 1 failed' },
    { name: 'there is none', suites: [], status: 1, closing: '0 passed, 1 failed' },
    {
      name: 'one is skipped',
      suites: [`${PASSES} it.skip('waits', () => {});`],
      status: 0,
      closing: '1 passed, 0 failed',
    },
  ])('closes with "$closing" when $name', ({ suites, status, closing }) => {
    expect(runTests(suites, { CI: '' })).toEqual({ status, closing });
  });

  it('counts what is skipped as failed in CI', () => {
    const ended = runTests([`${PASSES} it.skip('waits', () => {});`], { CI: 'true' });

    expect(ended).toEqual({ status: 1, closing: '1 passed, 1 failed' });
  });
});
