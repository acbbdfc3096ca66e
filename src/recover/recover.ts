import { errorMessage } from '../core/errors.ts';
import { type Environment, sitesOf, withSignal } from '../environment/environment.ts';
import { type FellBack, fallBack } from '../environment/fall-back.ts';
import { markGood } from '../environment/good.ts';
import { alignOthers, revert } from '../environment/revert.ts';
import { endRun, markRelease } from '../environment/settle.ts';
import { tidy } from '../environment/tidy.ts';
import type { JournalRun } from '../journal/journal.ts';
import type { Lease } from '../journal/lease.ts';
import type { Walk } from '../journal/walk.ts';

export interface Recovered {
  /** What was found and done, run by run, for people. Empty when nothing was open. */
  readonly actions: readonly string[];
  /** The return to a good release, when that is what it took. */
  readonly back?: FellBack;
  /** The walk that did not complete: then a person is needed. */
  readonly failed?: Walk;
}

/** What recovery does with a run that never ended: pure. */
export function planRecovery(
  open: readonly JournalRun[],
): 'nothing' | 'finish-rollback' | 'finish-promotion' | 'discard' | 'fall-back' {
  const rollback = open.find(({ header }) => header.kind === 'rollback');
  if (rollback !== undefined) return 'finish-rollback';
  const deploy = open.at(-1);
  if (deploy === undefined) return 'nothing';
  if (deploy.marks.has('promoted')) return 'finish-promotion';
  return deploy.touching.size > 0 ? 'fall-back' : 'discard';
}

/**
 * Finishes or undoes what killed runs began, so that one good release is live again. Needs the lease; may itself be
 * killed and run again. The first thing that every release and every rollback does. `because` is why a deploy is undone,
 * where somebody knows.
 */
export async function recover(lease: Lease, environment: Environment, because?: string): Promise<Recovered> {
  const { journal } = environment;
  const actions: string[] = [];
  let fellBack: { readonly back?: FellBack } = {};
  for (;;) {
    const open = await journal.open();
    const plan = planRecovery(open);
    const run = plan === 'finish-rollback' ? open.find(({ header }) => header.kind === 'rollback') : open.at(-1);
    if (run === undefined) {
      const { aligned, walk } = await alignOthers(lease.record.owner.actor, lease, environment);
      if (walk !== undefined) return { actions, ...fellBack, failed: walk };
      if (aligned.length > 0) actions.push(`brought ${aligned.join(', ')} to what is live on the others`);
      // What is left over takes room and holds copies of the data, but it stands in nobody's way.
      for (const site of sitesOf(environment)) {
        await tidy(site, environment.platform).catch((error: unknown) =>
          environment.platform.log.warn(`what killed runs left could not be removed: ${errorMessage(error)}`),
        );
      }
      return { actions, ...fellBack };
    }
    const { header } = run;
    switch (plan) {
      case 'nothing':
        return { actions, ...fellBack };
      case 'finish-promotion':
        await markGood(header.run, environment);
        actions.push(`finished the promotion of ${header.run}`);
        break;
      case 'discard':
        await markRelease(header.run, 'bad', 'interrupted before anything was changed', environment);
        await endRun(header.run, 'undone', environment);
        actions.push(`discarded ${header.run}, which had changed nothing yet`);
        break;
      case 'finish-rollback': {
        // What a person rolled back from by hand may have been good, and stays so.
        const left = header.release === undefined ? undefined : await environment.book.find(header.release);
        const { walk } = await revert(
          {
            run: header.run,
            from: header.release,
            to: header.previous,
            backup: header.backup,
            sources: header.sources,
            actor: header.actor,
            failure: left?.state === 'good' ? undefined : 'rolled back, after an interruption',
          },
          lease,
          // Services are down on the way, so it goes on although somebody presses Ctrl-C.
          withSignal(environment, new AbortController().signal),
        );
        if (!walk.completed) return { actions, failed: walk };
        const what = header.sources === undefined ? 'rollback' : 'restore';
        actions.push(`finished the ${what} ${header.run}, which was interrupted`);
        break;
      }
      case 'fall-back': {
        const found = run.marks.has('deployed') ? 'it was never promoted' : 'the run was killed';
        const failure = because ?? found;
        const back = await fallBack(run, failure, lease, environment);
        if (!back.walk.completed) return { actions, failed: back.walk };
        fellBack = { back };
        const now = back.to === undefined ? 'nothing is live, as before' : `${back.to.version} is live again`;
        actions.push(`undid ${header.run} (${failure}): ${now}, data ${back.data} (${back.dataReason})`);
        break;
      }
    }
  }
}
