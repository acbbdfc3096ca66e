import type { CliAction } from '../src/hosts/cli-action.ts';
import { runStep } from '../src/hosts/github-main.ts';

/** Loads one action: what a step does not need is not read from disk. */
export type LoadAction = () => Promise<CliAction>;

/** The actions that are published, by folder: each has an action.yml, a stub and a README that are generated. */
export const published: Readonly<Record<string, LoadAction>> = {
  authorize: async () => (await import('../src/authorize/command.ts')).authorizeAction,
  build: async () => (await import('./build/action.ts')).buildAction,
  backup: async () => (await import('../src/backup/create.ts')).backupCreate,
  deploy: async () => (await import('./deploy/action.ts')).deployAction,
  validate: async () => (await import('../src/validate/command.ts')).validateAction,
  compliance: async () => (await import('./compliance/action.ts')).complianceAction,
  promote: async () => (await import('./promote/action.ts')).promoteAction,
  rollback: async () => (await import('./rollback/action.ts')).rollbackAction,
  recover: async () => (await import('./recover/action.ts')).recoverAction,
  'record-baseline': async () => (await import('../src/validate/baselines.ts')).baselineRecord,
  release: async () => (await import('./release/action.ts')).releaseAction,
};

/** What each stub calls: runs the published action of this name as a step of a job, and ends the process. */
export async function runAction(name: string): Promise<void> {
  const load = published[name];
  if (load === undefined) throw new Error(`no action called ${name} is published`);
  await runStep(name, load, async (claims, expected) => {
    const { identityOf } = await import('../src/authorize/identity.ts');
    return identityOf(claims, expected).actor;
  });
}
