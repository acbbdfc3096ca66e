import { UserError } from '../core/errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { TargetSettings } from '../targets/settings.ts';
import { localMachine } from './local.ts';
import type { Machine } from './machine.ts';

/** The machines of a target, in order. Touches nothing yet. */
export function connectMachines(target: TargetSettings, platform: Platform): readonly Machine[] {
  switch (target.kind) {
    case 'directory':
      return [localMachine(platform)];
    case 'ssh':
      throw new UserError('target-unknown', 'targets of kind ssh cannot be reached yet');
  }
}
