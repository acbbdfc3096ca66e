import type { z } from 'zod';
import type { Report } from './report.ts';

/** The inputs of one run, and the configuration that says how. */
export interface Call<Inputs, Settings> {
  readonly inputs: Inputs;
  readonly settings: Settings;
}

/**
 * An action is a value. Two hosts run it: the GitHub runner and the command line.
 * `Platform` is the slice of effects that this action uses.
 */
export interface Action<Inputs extends z.ZodObject, Settings, Platform, Needs = NeedsOf<Settings>> {
  /** As it is typed: `release`, `lock hold`. */
  readonly name: string;
  /** One sentence, for help and README. */
  readonly summary: string;
  readonly inputs: Inputs;
  /**
   * What `call.settings` is. `configuration`: the loaded configuration of one environment, and without a valid one the
   * action does not run. `raw`: the file, the request and the result of loading it, problems included. `none`: undefined.
   * `readable`: whatever configuration can be read, for what must tell people when none can.
   */
  readonly settings: Needs;
  /** May run in a job that gets no secrets: what would hold one is then a marker, which it does not use. */
  readonly withoutSecrets?: boolean;
  /** Inputs that the command line takes by position, in order; one that is a list takes the rest. */
  readonly positional?: readonly string[];
  /** A shorter name on the command line: `backup` for `backup create`. */
  readonly alsoCalled?: string;
  /** The heading under which help lists it. */
  readonly group?: ActionGroup;
  /** Command lines to copy, without `holdfast`. */
  readonly examples?: readonly string[];
  /** Every reason that its report can carry. */
  readonly reasons: readonly string[];
  run(call: Call<z.infer<Inputs>, Settings>, platform: Platform): Promise<Report>;
  /** How a person reads `record`: pure, without colour. Absent where summary and findings say all. */
  present?(report: Report): readonly Block[];
  /** What the command line prints instead of a rendered report when the decision is `proceed`: for output that is a file. */
  bare?(report: Report): string;
  /** The fixed last line of the output, for scripts. */
  closingLine?(report: Report): string;
  /** Whether the step of a workflow that runs it is a failed one; by default when the decision is to stop. */
  fails?(report: Report): boolean;
  /** Its report, masked, is kept as an artifact of the run of a workflow: what became of the whole. */
  readonly keepsReport?: boolean;
}

/** The headings of help, in order. */
export const ACTION_GROUPS = ['Release', 'One step', 'State', 'Look', 'Configuration', 'Other'] as const;
export type ActionGroup = (typeof ACTION_GROUPS)[number];

/** What an action has to say in `settings`, by the type of what it is handed: a raw configuration holds the request for it. */
export type NeedsOf<Settings> = [Settings] extends [undefined]
  ? 'none'
  : Settings extends { readonly request: unknown }
    ? 'raw'
    : Settings extends { readonly readable: unknown }
      ? 'readable'
      : 'configuration';

/** What a renderer can show of a record, in whatever medium it writes. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };
