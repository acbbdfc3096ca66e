import { type Baseline, type BaselineEntry, sealBaseline } from './baseline.ts';
import type { Check } from './check.ts';
import { type Running, runChecks } from './run.ts';
import { holdsSecret } from './secrets.ts';

export interface BaselineSubject {
  readonly environment: string;
  readonly release: string;
  readonly version: string;
  /** Values by name; what holds one of them is not recorded. */
  readonly secretValues: Readonly<Record<string, string>>;
}

/**
 * Asks the checks that can be compared once more and keeps what was right about their answers: a check that fails or
 * cannot look leaves no entry. Changes nothing but what the checks' own requests change.
 */
export async function recordBaseline(
  checks: readonly Check<unknown>[],
  subject: BaselineSubject,
  running: Running,
): Promise<Baseline> {
  const entries: Record<string, BaselineEntry> = {};
  const refused = new Set<string>();
  const recorders = checks.filter(({ record }) => record !== undefined).map((check) => recording(check));
  await runChecks(recorders, undefined, running);

  function recording(check: Check<unknown>): Check<unknown> {
    return {
      ...check,
      evaluate(evidence) {
        const findings = check.evaluate(evidence, undefined);
        const recorded = check.record?.(evidence);
        if (recorded === undefined) return findings;
        if (findings.some(({ outcome }) => outcome === 'fail' || outcome === 'unknown')) refused.add(recorded.entry);
        entries[recorded.entry] = { ...entries[recorded.entry], ...recorded.part };
        return findings;
      },
    };
  }

  const kept = Object.entries(entries)
    .filter(([name]) => !refused.has(name))
    .map(([name, entry]) => [name, withoutSecrets(entry, subject.secretValues)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return sealBaseline({
    schema: 1,
    environment: subject.environment,
    release: subject.release,
    version: subject.version,
    recordedAt: new Date(running.clock.now()).toISOString(),
    checks: Object.fromEntries(kept),
  });
}

/** A field may be named like a secret's value; then the structure is not kept. */
function withoutSecrets(entry: BaselineEntry, secretValues: Readonly<Record<string, string>>): BaselineEntry {
  if (holdsSecret(JSON.stringify(entry), secretValues) === undefined) return entry;
  return {
    ...(entry.status === undefined ? {} : { status: entry.status }),
    ...(entry.latency === undefined ? {} : { latency: entry.latency }),
  };
}
