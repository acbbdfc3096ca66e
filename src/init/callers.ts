import { join } from 'node:path';
import type { Files } from '../platform/files.ts';
import { CALLERS, callerWorkflow, canBeNamed } from './caller.ts';
import type { Known } from './first-configuration.ts';
import type { Repository } from './repository.ts';

export interface Callers {
  readonly repository: Repository;
  readonly known: Known;
  /** `OWNER/REPOSITORY@COMMIT`. */
  readonly uses: string | undefined;
  /** Started from its sources, with packages that are not committed. */
  readonly needsPackages: boolean;
}

/**
 * Writes the workflows that call Holdfast into the repository and answers their paths. What is there already is left alone
 * and listed as such. Writes none where no workflow could name the folder of holdfast.yml.
 */
export async function writeCallers(
  { repository: { root, below, branch }, known, uses }: Callers,
  files: Files,
): Promise<{ written: string[]; left: string[] }> {
  const written: string[] = [];
  const left: string[] = [];
  if (!canBeNamed(below)) return { written, left };
  const workflows = join(root, '.github/workflows');
  await files.makeDirectory(workflows);
  for (const name of CALLERS) {
    const path = join(workflows, name);
    const text = callerWorkflow(name, { uses, secrets: known.secrets, folder: below, branch });
    ((await files.create(path, text)) ? written : left).push(path);
  }
  return { written, left };
}

/** What has to be done before they work, one sentence each. Pure. */
export function aboutCallers({ repository: { below, branch }, known, needsPackages }: Callers): string[] {
  if (!canBeNamed(below)) {
    return [`no workflow can name the folder ${JSON.stringify(below)}: call Holdfast from one of your own`];
  }
  const secrets = known.secrets.join(', ');
  const told = [`the workflows release what is pushed to ${branch}`];
  if (!known.environments.includes('production')) {
    told.push('the workflows release to the environment production: holdfast.yml needs one, on servers');
  }
  if (secrets !== '') told.push(`the repository on GitHub needs these secrets: ${secrets}`);
  if (needsPackages)
    told.push('a job of GitHub has what is committed, so without node_modules: give the service a build');
  return told;
}
