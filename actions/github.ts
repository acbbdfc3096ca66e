import type { GithubAction } from '../src/hosts/github-action.ts';
import { runStep } from '../src/hosts/github-main.ts';

/** Loads one action: what a step does not need is not read from disk. */
export type LoadAction = () => Promise<GithubAction>;

/** The actions that are published, by folder: each has an action.yml, a stub and a README that are generated. */
export const published: Readonly<Record<string, LoadAction>> = {
  authorize: async () => (await import('./authorize/step.ts')).authorizeStep,
  build: async () => (await import('./build/action.ts')).buildAction,
  backup: async () => (await import('./backup/step.ts')).backupStep,
  deploy: async () => (await import('./deploy/step.ts')).deployStep,
  validate: async () => (await import('./validate/step.ts')).validateStep,
  compliance: async () => (await import('./compliance/step.ts')).complianceStep,
  promote: async () => (await import('./promote/step.ts')).promoteStep,
  rollback: async () => (await import('./rollback/step.ts')).rollbackStep,
  recover: async () => (await import('./recover/step.ts')).recoverStep,
  alert: async () => (await import('./alert/step.ts')).alertStep,
  lock: async () => (await import('./lock/step.ts')).lockStep,
  'record-baseline': async () => (await import('../src/validate/baselines.ts')).baselineRecord,
  release: async () => (await import('./release/action.ts')).releaseAction,
};

/** What each stub calls: runs the published action of this name as a step of a job, and ends the process. */
export async function runAction(name: string): Promise<void> {
  const load = published[name];
  if (load === undefined) throw new Error(`no action called ${name} is published`);
  await runStep(name, load, async (claims, expected) => {
    const { identityOf } = await import('../src/authorize/identity.ts');
    return identityOf(claims, expected);
  });
}
