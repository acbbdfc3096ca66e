import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAction } from './built.ts';

/** Actions of GitHub that our workflows use, which are not on this computer: others do the same here. */
const NAMES = ['checkout', 'upload-artifact', 'download-artifact'];
const FOLDER = 'test/workflows/stand-ins';

/**
 * Folders that stand in for the actions of GitHub that these workflows name, by `owner/name@commit`. `origin` is the
 * repository from which they check out; `folder` is where they are put.
 */
export function standIns(workflows: readonly string[], origin: string, folder: string): Record<string, string> {
  const used = workflows.flatMap((text) => [...text.matchAll(/uses:\s*['"]?(actions\/([\w-]+)@[\w.]+)/g)]);
  const local: Record<string, string> = {};
  for (const [, reference = '', name = ''] of used) {
    if (reference in local || !NAMES.includes(name)) continue;
    const copy = join(folder, name);
    mkdirSync(copy, { recursive: true });
    cpSync(bundleAction(join(FOLDER, name)), copy, { recursive: true });
    writeFileSync(join(copy, 'origin'), origin);
    local[reference] = copy;
  }
  return local;
}
