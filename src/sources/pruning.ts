import type { KnownBackup } from './catalog.ts';

export interface Keep {
  /** The newest backups that stay. */
  readonly last: number;
  /** Days (UTC) of which the newest backup stays. */
  readonly daily: number;
  /** Weeks (UTC, from Monday) of which the newest backup stays. */
  readonly weekly: number;
}

export interface Pruning {
  readonly id: string;
  readonly remove: boolean;
  /** Why it stays: `last`, `daily`, `weekly`, `protected`, `newest-proven`, `future`; empty when it goes. */
  readonly reasons: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Which backups go, newest first. The newest proven one and those in `protectedIds` (a rollback may need them) never go,
 * nor does one that claims to come from the future. Days and weeks without a backup do not count.
 */
export function planPruning(
  backups: readonly KnownBackup[],
  keep: Keep,
  protectedIds: ReadonlySet<string>,
  now: number,
): Pruning[] {
  const newestFirst = backups
    .map(({ record, proof }) => ({ id: record.id, at: Date.parse(record.createdAt), isProven: proof !== undefined }))
    .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
  const newestProven = newestFirst.find((backup) => backup.isProven)?.id;
  const days = firstOfEach(newestFirst, keep.daily, (at) => Math.floor(at / DAY_MS));
  // The first of January 1970 was a Thursday: three days later than a Monday.
  const weeks = firstOfEach(newestFirst, keep.weekly, (at) => Math.floor((at / DAY_MS + 3) / 7));
  return newestFirst.map(({ id, at }, index) => {
    const reasons = [
      ...(index < keep.last ? ['last'] : []),
      ...(days.has(id) ? ['daily'] : []),
      ...(weeks.has(id) ? ['weekly'] : []),
      ...(protectedIds.has(id) ? ['protected'] : []),
      ...(id === newestProven ? ['newest-proven'] : []),
      ...(at > now ? ['future'] : []),
    ];
    return { id, remove: reasons.length === 0, reasons };
  });
}

function firstOfEach(
  newestFirst: readonly { readonly id: string; readonly at: number }[],
  count: number,
  periodOf: (at: number) => number,
): Set<string> {
  const firsts = new Map<number, string>();
  for (const { id, at } of newestFirst) {
    const period = periodOf(at);
    if (firsts.size < count && !firsts.has(period)) firsts.set(period, id);
  }
  return new Set(firsts.values());
}
