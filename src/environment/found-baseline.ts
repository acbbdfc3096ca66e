import type { Baseline } from '../checks/baseline.ts';

/** What releases of an environment are compared with, or why there is nothing. */
export type FoundBaseline =
  | {
      readonly status: 'found';
      readonly baseline: Baseline;
      /** `target`: recorded by the last promotion. `file`: reviewed, beside holdfast.yml. `artifact`: kept by a run of GitHub. */
      readonly where: 'target' | 'file' | 'artifact';
      /** The run whose artifact it is. */
      readonly run?: number;
    }
  | NoBaseline;

/** `environment` is the one whose baseline was looked for. */
export type NoBaseline = { readonly baseline?: undefined; readonly environment: string } & (
  | { readonly status: 'missing'; readonly isOwn: boolean }
  /** This run kept one that GitHub no longer hands out. */
  | { readonly status: 'expired'; readonly run: number }
  /** There is one, and it cannot be trusted or seen: nobody may take that for none. */
  | { readonly status: 'refused'; readonly why: string; readonly remedy?: string | undefined }
);

/** Why there is nothing to compare with: a sentence without its end. */
export function explainNone(none: NoBaseline): string {
  switch (none.status) {
    case 'missing':
      return none.isOwn ? 'there is no baseline yet' : `there is no baseline of ${none.environment}`;
    case 'expired':
      return `the baseline of ${none.environment} that the run ${none.run} kept has expired`;
    case 'refused':
      return `the baseline of ${none.environment} is not taken: ${none.why}`;
  }
}
