import { callOf, isSameCall } from '../core/admission.ts';
import type { ReleaseRecord } from '../targets/target.ts';
import type { Environment } from './environment.ts';

/**
 * What became of the release that this call of a workflow began. `nothing`: it began none. `discarded`: that one changed
 * nothing. `open`: it is live, and neither promoted nor undone.
 */
export type OwnRelease = 'nothing' | 'discarded' | 'undone' | 'open' | 'live-not-good' | 'good';

export async function whatBecameOfOwn(environment: Environment): Promise<OwnRelease> {
  const own = await ownRelease(environment);
  if (own === undefined) return 'nothing';
  const run = await environment.journal.read(own.release);
  switch (own.state) {
    case 'good':
      return (await environment.book.live())?.record.release === own.release ? 'good' : 'undone';
    case 'live':
      return run?.ended === true ? 'live-not-good' : 'open';
    case 'staged':
    case 'bad':
      if (run?.ended !== true && (run?.touching.size ?? 0) > 0) return 'open';
      return (run?.touching.size ?? 0) === 0 ? 'discarded' : 'undone';
  }
}

/** The newest release of this call; undefined on a laptop. */
async function ownRelease({ book, platform }: Environment): Promise<ReleaseRecord | undefined> {
  const call = callOf(platform.workflow);
  return (await book.list()).find(({ run }) => isSameCall(run, call));
}
