import { UserError } from '../core/errors.ts';
import type { LiveRelease, ReleaseRecord } from '../targets/target.ts';
import type { Environment } from './environment.ts';

/** What is live. Throws UserError `nothing-live`, with what to do first as its hint. */
export async function requireLive(
  { book, settings }: Pick<Environment, 'book' | 'settings'>,
  hint = 'Release first.',
): Promise<LiveRelease> {
  const live = await book.live();
  if (live !== undefined) return live;
  throw new UserError('nothing-live', `nothing is live in ${settings.environment}`, { hint });
}

/**
 * The release that a rollback from `from` leads to: the one that was live before it, when that is good; else the newest
 * good release before it. Undefined when there is none. Never a staged or a bad one, whatever the age of its folder.
 */
export async function lastGoodBefore(
  from: string | undefined,
  { book }: Environment,
): Promise<ReleaseRecord | undefined> {
  const releases = await book.list();
  const left = releases.find(({ release }) => release === from);
  const previous = releases.find(({ release }) => release === left?.previous);
  if (previous?.state === 'good') return previous;
  return releases.find(({ state, release }) => state === 'good' && (from === undefined || release < from));
}

/** A release that the user named by its id or its version; it must be good. */
export async function goodReleaseNamed(name: string, { book }: Environment): Promise<ReleaseRecord> {
  const releases = await book.list();
  const found =
    releases.find(({ release }) => release === name) ??
    releases.find((each) => each.version === name && each.state === 'good') ??
    releases.find((each) => each.version === name);
  const good = releases
    .filter(({ state }) => state === 'good')
    .map(({ release, version }) => `${release} (${version})`);
  const hint =
    good.length === 0 ? 'There is no good release yet.' : `Good releases are: ${good.slice(0, 5).join(', ')}.`;
  if (found === undefined) throw new UserError('release-unknown', `there is no release ${name} here`, { hint });
  if (found.state !== 'good') {
    throw new UserError(
      'release-not-good',
      `${found.release} (${found.version}) is ${found.state}, not good: nothing rolls back to it`,
      { hint },
    );
  }
  return found;
}

/**
 * The backup that brings the data back to what `to` left when `from` is live: the one taken before the release that
 * followed `to` on the way to `from`. Undefined when none was taken.
 */
export async function backupBetween(from: string, to: string, environment: Environment): Promise<string | undefined> {
  const first = (await releasesBetween(from, to, environment)).at(-1);
  return first === undefined ? undefined : (await environment.book.capsule(first.release)).backup;
}

/** The releases that a way back from `from` to `to` undoes, newest first. Empty when `to` does not lie on the way. */
export async function releasesBetween(from: string, to: string, { book }: Environment): Promise<ReleaseRecord[]> {
  const releases = new Map((await book.list()).map((record) => [record.release, record]));
  const undone: ReleaseRecord[] = [];
  for (let step = releases.get(from); step !== undefined; step = releases.get(step.previous ?? '')) {
    undone.push(step);
    if (step.previous === to) return undone;
  }
  return [];
}
