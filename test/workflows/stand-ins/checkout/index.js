// What actions/checkout does where act does not do it by itself: a commit or branch that the workflow names.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getInput, setFailed, setOutput } from '@actions/core';

try {
  // Written beside this program by the harness: the folder in which the caller's repository lies.
  const origin = readFileSync(join(import.meta.dirname, 'origin'), 'utf8');
  const folder = resolve(process.env.GITHUB_WORKSPACE, getInput('path') || '.');
  mkdirSync(folder, { recursive: true });
  const git = (...args) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
  git('init', '--quiet');
  git('-c', 'protocol.file.allow=always', 'fetch', '--quiet', origin, getInput('ref') || process.env.GITHUB_REF);
  git('checkout', '--quiet', '--force', 'FETCH_HEAD');
  setOutput('commit', git('rev-parse', 'HEAD'));
} catch (error) {
  setFailed(error);
}
