import { execFileSync } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';

const mounted: string[] = [];

/** A real disk of `sizeMegabytes`, gone after the test. Throws, and so fails the test, where mounting is not allowed. */
export async function aSmallDisk(sizeMegabytes: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMegabytes}m`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    throw new Error(`a test of a full disk must mount a small tmpfs, for which it must run as root: ${error}`);
  }
  mounted.push(folder);
  return folder;
}

afterEach(async () => {
  for (const folder of mounted.splice(0)) {
    execFileSync('umount', ['-l', folder], { stdio: 'pipe' });
    await rmdir(folder);
  }
});
