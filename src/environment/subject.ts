import type { Configuration } from '../config/configuration.ts';
import type { Subject } from '../core/report.ts';

/** What a report of this environment is about. */
export function subjectOf(
  { project, environment }: Pick<Configuration, 'project' | 'environment'>,
  release?: { readonly release: string; readonly version: string },
): Subject {
  return {
    project,
    environment,
    ...(release === undefined ? {} : { release: release.release, version: release.version }),
  };
}
