import type { z } from 'zod';
import type { ReadableConfiguration } from '../config/readable.ts';
import type { Action } from '../core/action.ts';
import type { Platform } from '../platform/platform.ts';
import type { CliAction } from './cli-action.ts';

/** An action as a step of a job runs it. */
export type GithubAction = CliAction | Action<z.ZodObject, ReadableConfiguration, Platform>;
