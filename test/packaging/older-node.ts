import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface FoundNode {
  readonly program: string;
  readonly major: number;
}

/**
 * The oldest Node that PATH leads to: what a user may well have. Where there is only the one that runs the tests, that
 * one, with a warning: the start under an older Node is then not shown.
 */
export function oldestNode(): FoundNode {
  const programs = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  const found = programs.filter((program) => existsSync(program)).flatMap(versionOf);
  const oldest = [...found, ...versionOf(process.execPath)].sort((a, b) => a.major - b.major)[0];
  if (oldest === undefined) throw new Error('this Node cannot tell its own version');
  if (oldest.major >= 24) console.warn(`only Node ${oldest.major} is here: the start under an older Node is not tried`);
  return oldest;
}

function versionOf(program: string): FoundNode[] {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const major = Number(/^v(\d+)\./.exec(stdout ?? '')?.[1]);
  return status === 0 && Number.isInteger(major) ? [{ program, major }] : [];
}
