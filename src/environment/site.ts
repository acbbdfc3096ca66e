import { type Journal, openJournal } from '../journal/journal.ts';
import type { Machine } from '../machines/machine.ts';
import type { Clock } from '../platform/clock.ts';
import type { ActivationTools } from '../targets/directory/activation.ts';
import { type ReleaseBook, releaseBook } from '../targets/directory/book.ts';
import type { Instances } from '../targets/directory/instances.ts';
import type { Layout } from '../targets/directory/layout.ts';
import { supervisedInstances } from '../targets/directory/supervised.ts';

/** What an environment has on one machine. */
export interface Site {
  readonly machine: Machine;
  readonly layout: Layout;
  readonly book: ReleaseBook;
  readonly instances: Instances;
  readonly journal: Journal;
  /** What the steps of an activation on this machine work with. */
  readonly tools: ActivationTools;
}

/** Waiting under a signal. */
export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export function openSite(machine: Machine, layout: Layout, { clock, signal }: Patience): Site {
  const wait = (ms: number) => clock.sleep(ms, signal);
  const instances = supervisedInstances({ layout, machine, wait, signal });
  return {
    machine,
    layout,
    book: releaseBook(layout, machine),
    instances,
    journal: openJournal(layout.journal, machine),
    tools: { layout, machine, instances, now: clock.now, wait, signal },
  };
}
