import type { CliAction } from '../src/hosts/cli-action.ts';
import { runStep } from '../src/hosts/github-main.ts';

/** Loads one action: what a step does not need is not read from disk. */
export type LoadAction = () => Promise<CliAction>;

/** The actions that are published, by folder: each has an action.yml, a stub and a README that are generated. */
export const published: Readonly<Record<string, LoadAction>> = {
  deploy: async () => (await import('./deploy/action.ts')).deployAction,
  promote: async () => (await import('./promote/action.ts')).promoteAction,
  recover: async () => (await import('./recover/action.ts')).recoverAction,
  release: async () => (await import('./release/action.ts')).releaseAction,
  rollback: async () => (await import('./rollback/action.ts')).rollbackAction,
};

/** What each stub calls: runs the published action of this name as a step of a job, and ends the process. */
export async function runAction(name: string): Promise<void> {
  const load = published[name];
  if (load === undefined) throw new Error(`no action called ${name} is published`);
  await runStep(name, load);
}
