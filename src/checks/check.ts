import type { Configuration } from '../config/configuration.ts';
import type { Finding, Layer } from '../core/finding.ts';
import type { Machine } from '../machines/machine.ts';
import type { Clock } from '../platform/clock.ts';
import type { ServiceStatus } from '../targets/target.ts';
import type { Baseline } from './baseline.ts';

/** The running system, as checks see it. */
export interface Observed {
  readonly settings: Pick<Configuration, 'services' | 'validate' | 'project' | 'environment' | 'directory' | 'secretValues'>;
  readonly machine: Machine;
  /** The root folder of the environment on the machine. */
  readonly root: string;
  readonly services: readonly ServiceStatus[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One question asked of the world: first touch it, then judge what was seen. */
export interface Check<Evidence> {
  /** Stable kebab-case id, with the service where there is one per service: `port-open:api`. */
  readonly id: string;
  readonly layer: Layer;
  collect(): Promise<Evidence>;
  /** Pure. Without a baseline it judges what can be judged without one. */
  evaluate(evidence: Evidence, baseline: Baseline | undefined): Finding[];
}
