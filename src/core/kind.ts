import type { z } from 'zod';

/**
 * One implementation of an extension point: a target, a source, a store, a check, a channel.
 * `settings` has a literal `kind` by which the configuration chooses it.
 */
export interface Kind<Settings extends z.ZodObject, Context, T> {
  readonly settings: Settings;
  connect(settings: z.infer<Settings>, context: Context): T;
}
