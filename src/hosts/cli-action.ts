import type { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import type { Platform } from '../platform/platform.ts';
import type { RawConfiguration } from './configuration-file.ts';

/** An action as the command line runs it. What it is handed as settings follows from `settings`. */
export type CliAction =
  | Action<z.ZodObject, Configuration, Platform, 'configuration'>
  | Action<z.ZodObject, RawConfiguration, Platform, 'raw'>
  | Action<z.ZodObject, undefined, Platform, 'none'>;
