// What actions/download-artifact does for a workflow, as far as ours ask: one artifact, by name or number, of this run or another.
import { resolve } from 'node:path';
import { DefaultArtifactClient } from '@actions/artifact';
import { getInput, setFailed, setOutput } from '@actions/core';

try {
  await download();
} catch (error) {
  setFailed(error);
}

async function download() {
  const client = new DefaultArtifactClient();
  const findBy = otherRun();
  const name = getInput('name');
  const wanted = name === '' ? Number(getInput('artifact-ids')) : undefined;
  const { artifacts } = await client.listArtifacts({ latest: true, findBy });
  const artifact = artifacts.find((it) => (wanted === undefined ? it.name === name : it.id === wanted));
  if (artifact === undefined) throw new Error(`there is no artifact ${name || wanted}`);
  const path = resolve(getInput('path') || process.env.GITHUB_WORKSPACE);
  const { digestMismatch } = await client.downloadArtifact(artifact.id, {
    ...{ path, findBy },
    expectedHash: artifact.digest,
  });
  if (digestMismatch) throw new Error(`the artifact ${artifact.name} is not what was uploaded`);
  setOutput('download-path', path);
}

function otherRun() {
  const token = getInput('github-token');
  if (token === '') return undefined;
  const [repositoryOwner, repositoryName] = (getInput('repository') || process.env.GITHUB_REPOSITORY).split('/');
  return {
    token,
    repositoryOwner,
    repositoryName,
    workflowRunId: Number(getInput('run-id') || process.env.GITHUB_RUN_ID),
  };
}
