import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

export interface StepEnd {
  readonly status: number | null;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one file as a runner of GitHub runs a step: Node 24 as a child process, inputs as `INPUT_…`, files for outputs
 * and summary, and an environment that holds nothing of ours. `temporary` is where RUNNER_TEMP is made.
 */
export async function runStepProcess(
  file: string,
  given: {
    readonly inputs: Readonly<Record<string, string>>;
    readonly workspace: string;
    readonly temporary: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<StepEnd> {
  const folder = await mkdtemp(join(given.temporary, 'runner-'));
  const files = { output: join(folder, 'output'), summary: join(folder, 'summary') };
  for (const path of Object.values(files)) writeFileSync(path, '');
  const inputs = Object.entries(given.inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const child = spawn(process.execPath, [file], {
    cwd: given.workspace,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: given.workspace,
      GITHUB_OUTPUT: files.output,
      GITHUB_STEP_SUMMARY: files.summary,
      RUNNER_TEMP: folder,
      ...Object.fromEntries(inputs),
      ...given.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    texts.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    texts.stderr += String(chunk);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return {
    status,
    ...texts,
    outputs: parseOutputs(readFileSync(files.output, 'utf8')),
    summary: readFileSync(files.summary, 'utf8'),
  };
}

/** `name<<delimiter`, the value, the delimiter: as the runner reads GITHUB_OUTPUT. */
function parseOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  for (const [, name, , value] of text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm))
    outputs[name ?? ''] = value ?? '';
  return outputs;
}
