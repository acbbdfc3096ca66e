import { describe, expect, it } from '@jest/globals';
import { timedId } from '../../src/core/names.ts';
import { recordOf } from '../../src/sources/backup.ts';
import type { KnownBackup } from '../../src/sources/catalog.ts';
import type { Proof } from '../../src/sources/manifest.ts';
import { planPruning } from '../../src/sources/pruning.ts';
import { aManifest } from '../support/backup.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

function aBackup(at: string, proven = false): KnownBackup {
  const id = timedId('b', Date.parse(at), '0000');
  const record = recordOf(aManifest([], { id, createdAt: new Date(at).toISOString() }));
  const proof: Proof = {
    schema: 1,
    backup: id,
    verified: true,
    restoreMs: 1,
    entries: 0,
    bytes: 0,
    checkedAt: at,
    notices: [],
  };
  return proven ? { record, proof } : { record };
}

const none = { last: 0, daily: 0, weekly: 0 };
const kept = (backups: KnownBackup[], keep: Partial<typeof none>, protectedIds: string[] = []) =>
  planPruning(backups, { ...none, ...keep }, new Set(protectedIds), NOW)
    .filter((each) => !each.remove)
    .map((each) => each.id.slice(2, 13));

describe('planPruning', () => {
  const week = ['20T08', '20T20', '21T08', '21T20', '22T08', '22T10'].map((at) => aBackup(`2026-11-${at}:00:00Z`));

  it('keeps the newest ones', () => {
    expect(kept(week, { last: 2 })).toEqual(['20261122T10', '20261122T08']);
  });

  it('keeps the newest of each day, days without a backup not counted', () => {
    const gap = aBackup('2026-10-01T08:00:00Z');

    expect(kept([...week, gap], { daily: 4 })).toEqual(['20261122T10', '20261121T20', '20261120T20', '20261001T08']);
  });

  it('keeps the newest of each week, which begins on Monday', () => {
    // 15 November 2026 is a Sunday, the 16th a Monday.
    const backups = ['2026-11-15T23:59:59Z', '2026-11-16T00:00:00Z', '2026-11-22T11:00:00Z'].map((at) => aBackup(at));

    expect(kept(backups, { weekly: 5 })).toEqual(['20261122T11', '20261115T23']);
  });

  it('never removes the newest proven one, however old', () => {
    const backups = [aBackup('2025-01-01T00:00:00Z', true), aBackup('2025-06-01T00:00:00Z', true), ...week];

    expect(kept(backups, { last: 1 })).toEqual(['20261122T10', '20250601T00']);
  });

  it('never removes what a rollback may need', () => {
    const [oldest] = week;

    expect(kept(week, { last: 1 }, [oldest?.record.id ?? ''])).toEqual(['20261122T10', '20261120T08']);
  });

  it('removes nothing that claims to come from the future, and says why each one stays', () => {
    const plan = planPruning([aBackup('2030-01-01T00:00:00Z'), ...week], { ...none, last: 0 }, new Set(), NOW);

    expect(plan[0]).toMatchObject({ remove: false, reasons: ['future'] });
    expect(plan.slice(1).every((each) => each.remove && each.reasons.length === 0)).toBe(true);
  });

  it('has nothing to say about no backups', () => {
    expect(planPruning([], { last: 1, daily: 1, weekly: 1 }, new Set(), NOW)).toEqual([]);
  });
});
