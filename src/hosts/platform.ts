import { tmpdir } from 'node:os';
import type { Log } from '../platform/log.ts';
import { type Platform, systemPlatform } from '../platform/platform.ts';

/** The real effects of this computer, with its own folder for temporary files. */
export function hostPlatform(log: Log, signal: AbortSignal): Platform {
  return systemPlatform(log, signal, tmpdir());
}
