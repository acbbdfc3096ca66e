import type { z } from 'zod';
import type { ConfigurationCall } from '../config/commands.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import type { Platform } from '../platform/platform.ts';

/** An action as the command line runs it. What it is handed as settings follows from `settings`. */
export type CliAction =
  | Action<z.ZodObject, Configuration, Platform>
  | Action<z.ZodObject, ConfigurationCall, Platform>
  | Action<z.ZodObject, undefined, Platform>;
