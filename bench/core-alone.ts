import * as core from '@actions/core';

/** What every action that uses @actions/core pays for, whoever wrote it. */
export async function runAction(name: string): Promise<void> {
  core.setOutput('name', name);
}
