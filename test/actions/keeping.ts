import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { composeReport } from '../../src/core/report.ts';
import type { CliAction } from '../../src/hosts/cli-action.ts';
import { runStep } from '../../src/hosts/github-main.ts';

/** Keeps a file with the run, fetches it again, and makes a deployment: each part of what a step may ask of its run. */
const keeping: CliAction = {
  name: 'keeping',
  summary: 'keeps and fetches',
  settings: 'none',
  inputs: z.strictObject({}),
  reasons: ['kept'],
  async run(_call, { clock, workflow }) {
    if (workflow === undefined) throw new Error('there is no run');
    const folder = process.env['RUNNER_TEMP'] ?? '';
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    await mkdir(from);
    await writeFile(join(from, 'words.txt'), 'kept and fetched');
    const { artifacts, deployments, run } = workflow;
    const made = await artifacts.upload('words', from, ['words.txt']);
    await artifacts.download({ ...made, run: run.id }, to);
    const [listed] = await artifacts.list('words');
    const wanted = { environment: 'production', commit: run.commit, description: '', payload: {} };
    await deployments.setState(await deployments.create(wanted), 'success', 'live');
    const summary = `${await readFile(join(to, 'words.txt'), 'utf8')}: ${listed?.digest === made.digest}`;
    const now = clock.now();
    return composeReport(
      'keeping',
      { project: '', environment: '' },
      { startedAt: now, finishedAt: now },
      {
        reason: 'kept',
        summary,
      },
    );
  },
};

/** What the stub of a published action calls. */
export async function runAction(name: string): Promise<void> {
  await runStep(
    name,
    async () => keeping,
    async () => ({ actor: 'nobody', environment: undefined, runId: undefined, attempt: 1 }),
  );
}
