// What a small action of somebody else would do, one thing at a time: the harness is tried with it before ours are.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DefaultArtifactClient } from '@actions/artifact';
import { getIDToken, getInput, info, setFailed, setOutput, setSecret, summary } from '@actions/core';

const { env } = process;
const artifacts = new DefaultArtifactClient();

const DEEDS = {
  async look() {
    setOutput('node', process.version);
    const left = join(homedir(), 'left');
    setOutput('home', existsSync(left) ? 'used' : 'new');
    writeFileSync(left, 'by the first step');
    setOutput('places', JSON.stringify([homedir(), env.RUNNER_TEMP, env.GITHUB_WORKSPACE]));
    setOutput('files', existsSync('holdfast.yml') ? 'checked out' : 'none');
    await summary.addRaw(`# ${env.GITHUB_JOB} on ${process.version}`, true).write();
  },
  async upload() {
    const folder = join(env.RUNNER_TEMP, 'up');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'words.txt'), getInput('text'));
    const { id, digest } = await artifacts.uploadArtifact('words', [join(folder, 'words.txt')], folder);
    setOutput('text', `${id} ${digest}`);
  },
  async download() {
    const { artifact } = await artifacts.getArtifact('words');
    const folder = join(env.RUNNER_TEMP, 'down');
    const { digestMismatch } = await artifacts.downloadArtifact(artifact.id, {
      path: folder,
      expectedHash: artifact.digest,
    });
    setOutput('text', `${readFileSync(join(folder, 'words.txt'), 'utf8')} mismatch=${digestMismatch}`);
  },
  async identify() {
    setOutput('text', await getIDToken('holdfast').catch((error) => `refused: ${error.message}`));
  },
  async tell() {
    const secret = getInput('text');
    setSecret(secret);
    info(`the secret is ${secret}`);
  },
  async fail() {
    setOutput('text', 'said before it failed');
    setFailed('as it was asked to');
  },
  async linger() {
    info('lingering');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
};

try {
  await DEEDS[getInput('do')]();
} catch (error) {
  setFailed(error);
}
