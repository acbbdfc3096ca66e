/** Where something that a run keeps belongs to; Each is empty where no configuration could be read. */
export interface ArtifactSubject {
  readonly project: string;
  readonly environment: string;
}

/**
 * What GitHub calls the artifact of one kind: one for each environment of each project that a run is about, and for each
 * attempt, because an artifact is never replaced and somebody may run the job again.
 */
export function artifactName(
  kind: 'build' | 'baseline' | 'report',
  { project, environment }: ArtifactSubject,
  attempt: number,
): string {
  const known = [project, environment].filter((part) => part !== '').join('.');
  const place = known === '' ? '' : `-${known}`;
  return `holdfast-${kind}${place}${attempt > 1 ? `.${attempt}` : ''}`;
}
