import type { Configuration } from './configuration.ts';

/** For what must tell people whatever else went wrong: the best configuration that can be read, or none. */
export interface ReadableConfiguration {
  readonly readable: Configuration | undefined;
  /** Which one it is, for people; undefined when it is the one of this run. */
  readonly instead: string | undefined;
  /** Why the one of this run cannot be read, in one line; undefined when it can. */
  readonly problem: string | undefined;
  /** The environment that was asked for. */
  readonly environment: string;
  /** The secret HOLDFAST_ALERT_WEBHOOK: whom to tell when no configuration says it. */
  readonly webhook: string | undefined;
}
