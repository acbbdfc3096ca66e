import type { Configuration } from '../config/configuration.ts';
import type { Finding, Layer } from '../core/finding.ts';
import type { Machine } from '../machines/machine.ts';
import type { Clock } from '../platform/clock.ts';
import type { ServiceStatus } from '../targets/target.ts';
import type { Baseline, BaselineEntry } from './baseline.ts';

/** The running system, as checks see it. */
export interface Observed {
  readonly settings: Pick<
    Configuration,
    'services' | 'validate' | 'project' | 'environment' | 'directory' | 'secretValues'
  >;
  readonly machine: Machine;
  /** Set where the environment has several machines: which one this is. */
  readonly host?: string;
  /** The root folder of the environment on the machine. */
  readonly root: string;
  readonly services: readonly ServiceStatus[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * When a check takes its turn. `together`: concurrently with others. `alone`: afterwards, one by one, because others
 * would disturb what it measures. `last`: concurrently once more, about what all others may have caused or seen.
 */
export type Turn = 'together' | 'alone' | 'last';

/** One question asked of the world: first touch it, then judge what was seen. */
export interface Check<Evidence> {
  /** Stable kebab-case id, with the service where there is one per service: `port-open:api:http`. */
  readonly id: string;
  readonly layer: Layer;
  /** Together by default. */
  readonly turn?: Turn;
  /** How long it may look; a minute by default. */
  readonly timeoutMs?: number;
  /** The path in holdfast.yml that asked for it. */
  readonly path?: string;
  /** Rejects when it cannot look. The signal fires when its time is over or the run ends. */
  collect(signal: AbortSignal): Promise<Evidence>;
  /** Pure. Without a baseline it judges what can be judged without one. */
  evaluate(evidence: Evidence, baseline: Baseline | undefined): Finding[];
  /** Pure: what a baseline keeps of this evidence. Absent in checks that have nothing to compare. */
  record?(evidence: Evidence): RecordedEvidence | undefined;
}

/** Part of one entry of a baseline; parts of the same entry are put together. */
export interface RecordedEvidence {
  readonly entry: string;
  readonly part: Partial<BaselineEntry>;
}
