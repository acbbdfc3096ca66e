import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'holdfast.js');

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'holdfast-demo-test-'));
});

afterEach(() => rmSync(temporary, { recursive: true, force: true }));

/** The demo as a process of its own, with its own folder for temporary files. */
function startDemo(...args: string[]): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const env = { ...process.env, TMPDIR: temporary, NO_COLOR: '1' };
  const child = spawn(process.execPath, [BIN, 'demo', ...args], { env, detached: true });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)));
  return { child, output: () => output, ended };
}

/** Processes whose environment or arguments name our temporary folder. */
function leftovers(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const told = readFileSync(`/proc/${pid}/environ`, 'utf8') + readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return Number(pid) !== process.pid && told.includes(temporary);
      } catch {
        return false;
      }
    });
}

describe('the demo', () => {
  it('loses no request while versions change, a bad one is caught, and the data comes back', async () => {
    const demo = startDemo();

    const status = await demo.ended;

    const lines = demo.output().trim().split('\n');
    expect(lines.at(-1)).toBe('demo: 3 releases, 1 rolled back, 0 failed requests');
    expect(status).toBe(0);
    const text = demo.output().replace(/\s+/g, ' ');
    expect(text).toContain('is the same after the rollback, and after one more restart');
    expect(text).toMatch(/answered by v1 \d+, v2 \d+, v3 \d+/);
    expect(text).toMatch(
      /v2 is live again after .*data restored \(written since the backup and not in it: \d+ rows in policies/,
    );
    const perSecond = Number(/requests \((\d+) a second/.exec(text)?.[1]);
    expect(perSecond).toBeGreaterThanOrEqual(300);
    expect(readFileSync(join(temporary, 'holdfast-demo-report.html'), 'utf8')).toContain('<!doctype html>');
    expect(readdirSync(temporary)).toEqual(['holdfast-demo-report.html']);
    expect(leftovers()).toEqual([]);
  }, 120_000);

  it('counts failed requests when versions change by restart: the counter counts', async () => {
    const demo = startDemo('--strategy', 'restart');

    await demo.ended;

    const closing = /^demo: 3 releases, 1 rolled back, (\d+) failed requests$/.exec(
      demo.output().trim().split('\n').at(-1) ?? '',
    );
    expect(Number(closing?.[1])).toBeGreaterThan(0);
    expect(leftovers()).toEqual([]);
  }, 120_000);

  it('leaves no process and no folder behind when it is interrupted', async () => {
    const demo = startDemo();
    for (let waited = 0; !demo.output().includes('release v2') && waited < 60_000; waited += 50) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }

    process.kill(-(demo.child.pid ?? 0), 'SIGINT');
    const status = await demo.ended;

    expect(status).toBe(130);
    expect(leftovers()).toEqual([]);
    expect(existsSync(temporary) ? readdirSync(temporary) : []).toEqual([]);
  }, 120_000);
});
