import { join } from 'node:path';
import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import type { Machine } from '../machines/machine.ts';
import type { Platform } from '../platform/platform.ts';
import { createFolders, readOwn } from '../targets/directory/book.ts';
import type { Layout } from '../targets/directory/layout.ts';
import type { Site } from './site.ts';

const TargetIdentity = z.strictObject({
  schema: z.literal(1),
  id: z.string(),
  environment: z.string(),
  project: z.string(),
});

/** The id of each machine by its name: a folder of the same path on another disk has another one. */
export async function targetIds(sites: readonly Site[]): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  for (const { layout, machine } of sites) {
    const found = await readOwn(layout.identity, TargetIdentity, machine);
    if (found !== undefined) ids[machine.name] = found.id;
  }
  return ids;
}

/** The same name may lead to another computer by now. A host that was set up anew is filled again, the seat holds what is not elsewhere. */
export function refuseOtherTarget(
  found: string | undefined,
  expected: string,
  isSeat: boolean,
  { root }: Layout,
  machine: Machine,
): void {
  if (found === expected || (found === undefined && !isSeat)) return;
  const what = found === undefined ? 'no environment of Holdfast' : `another one (${found})`;
  throw new UserError(
    'target-not-the-same',
    `${root} on ${machine.name} is not the target of the last release (${expected}) but ${what}`,
    {
      hint: 'See where the name leads and whether a disk is missing. If it was replaced on purpose, set the last deployment of this environment on GitHub to "inactive".',
    },
  );
}

/**
 * The id of the environment in this root; undefined when there is none yet. A root that holds something else, or another
 * environment, is refused before anything is written.
 */
export async function identify(layout: Layout, settings: Configuration, machine: Machine): Promise<string | undefined> {
  const found = await readOwn(layout.identity, TargetIdentity, machine);
  if (found !== undefined) {
    if (found.environment === settings.environment && found.project === settings.project) return found.id;
    throw new UserError(
      'target-not-the-same',
      `${layout.root} belongs to the environment ${found.environment} of ${found.project}, not to ${settings.environment} of ${settings.project}`,
      { hint: `Give environments.${settings.environment}.target.path a folder of its own.` },
    );
  }
  const status = await machine.files.status(layout.root);
  if (status !== undefined && status.type === 'file') {
    throw new UserError('target-not-a-folder', `${layout.root} is a file, not a folder`, {
      hint: `Correct environments.${settings.environment}.target.path.`,
    });
  }
  const foreign = (await machine.files.list(layout.root)).filter((name) => !OWN_NAMES.has(name));
  // Other tools keep releases too, and what is not in our book would be cleared away.
  for (const name of await machine.files.list(layout.releases)) foreign.push(join('releases', name));
  if (foreign.length > 0) {
    throw new UserError(
      'target-not-empty',
      `${layout.root} is not empty and no environment of Holdfast (it holds ${foreign[0]})`,
      {
        hint: `Choose an empty or new folder for environments.${settings.environment}.target.path.`,
      },
    );
  }
  return undefined;
}

/** What an interrupted first opening may leave, and what a user may put there before the first release. */
const OWN_NAMES = new Set(['.holdfast', 'releases', 'shared', 'lost+found']);

export async function createIdentity(
  layout: Layout,
  settings: Configuration,
  machine: Machine,
  platform: Platform,
): Promise<void> {
  await createFolders(layout, machine);
  await machine.files.create(layout.key, platform.random.hex(32), 0o600);
  const { project, environment } = settings;
  const identity = { schema: 1, id: platform.random.hex(16), environment, project };
  await machine.files.create(layout.identity, JSON.stringify(identity), 0o600);
}
