import { z } from 'zod';
import { composeReport } from '../src/core/report.ts';
import type { CliAction } from '../src/hosts/cli-action.ts';
import { runStep } from '../src/hosts/github-main.ts';

/** An action that does nothing: what is left is what every action pays for. */
const nothing: CliAction = {
  name: 'nothing',
  summary: 'does nothing',
  settings: 'none',
  inputs: z.strictObject({}),
  reasons: ['nothing-done'],
  async run(_call, { clock }) {
    const now = clock.now();
    const parts = { reason: 'nothing-done', summary: 'nothing was done' };
    return composeReport('nothing', { project: '', environment: '' }, { startedAt: now, finishedAt: now }, parts);
  },
};

/** What the stub of a published action calls. */
export async function runAction(name: string): Promise<void> {
  await runStep(
    name,
    async () => nothing,
    async () => ({ actor: 'nobody', environment: undefined, runId: undefined, attempt: 1 }),
  );
}
