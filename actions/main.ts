import type { CliAction } from '../src/hosts/cli-action.ts';

/** Every action, in the order in which help lists those of one group. */
export const actions: readonly CliAction[] = [];
