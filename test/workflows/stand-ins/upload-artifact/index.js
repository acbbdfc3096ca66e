// What actions/upload-artifact does for a workflow, as far as ours ask: the same client, the same inputs and outputs.
import { globSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DefaultArtifactClient } from '@actions/artifact';
import { getInput, getMultilineInput, setFailed, setOutput, warning } from '@actions/core';

try {
  await upload();
} catch (error) {
  setFailed(error);
}

async function upload() {
  const name = getInput('name') || 'artifact';
  const client = new DefaultArtifactClient();
  const paths = getMultilineInput('path').flatMap((pattern) => globSync(pattern).map((path) => resolve(path)));
  const files = paths.flatMap(filesIn);
  if (files.length === 0) {
    if (getInput('if-no-files-found') === 'error') throw new Error(`no files were found for the artifact ${name}`);
    return warning(`no files were found for the artifact ${name}`);
  }
  if (getInput('overwrite') === 'true') await client.deleteArtifact(name).catch(() => undefined);
  const days = getInput('retention-days');
  const options = days === '' ? {} : { retentionDays: Number(days) };
  const { id, digest } = await client.uploadArtifact(name, files, commonFolder(paths), options);
  setOutput('artifact-id', id);
  setOutput('artifact-digest', digest);
}

/** Hidden files are left out unless they are asked for, as by the original. */
function filesIn(path) {
  if (statSync(path).isFile()) return [path];
  const isHidden = (file) => file.split('/').some((part) => part.startsWith('.'));
  const keeps = (file) => getInput('include-hidden-files') === 'true' || !isHidden(file);
  const below = globSync('**/*', { cwd: path }).concat(globSync('**/.*', { cwd: path }));
  return below
    .filter(keeps)
    .map((file) => join(path, file))
    .filter((file) => statSync(file).isFile());
}

/** The folder that was named, or the nearest one that holds everything that was. */
function commonFolder(paths) {
  const [only] = paths;
  if (paths.length === 1) return statSync(only).isFile() ? dirname(only) : only;
  const parts = paths.map((path) => path.split('/'));
  const length = parts[0].findIndex((part, index) => !parts.every((other) => other[index] === part));
  return parts[0].slice(0, length < 0 ? undefined : length).join('/') || '/';
}
