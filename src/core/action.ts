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
export interface Action<Inputs extends z.ZodObject, Settings, Platform> {
  /** As it is typed: `release`, `lock hold`. */
  readonly name: string;
  /** One sentence, for help and README. */
  readonly summary: string;
  readonly inputs: Inputs;
  /** Inputs that the command line takes by position, in order. */
  readonly positional?: readonly string[];
  /** Every reason that its report can carry. */
  readonly reasons: readonly string[];
  run(call: Call<z.infer<Inputs>, Settings>, platform: Platform): Promise<Report>;
  /** How a person reads `record`: pure, without colour. Absent where summary and findings say all. */
  present?(report: Report): readonly Block[];
}

/** What a renderer can show of a record, in whatever medium it writes. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };
