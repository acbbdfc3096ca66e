import { type Path, pathText } from './tree.ts';

/**
 * Who may release, what must hold, where data goes: for every environment but `local` this stands in the file alone, so
 * that a variable of a job or an argument of a workflow cannot weaken it.
 */
export const POLICY: readonly Path[] = [
  ['access'],
  ['compliance'],
  ['backup'],
  ['alerts'],
  ['validate', 'required'],
  ['validate', 'baseline'],
  ['secrets'],
  ['target'],
];

/** Why an override of `path` is refused; undefined when it is not. `environment` is undefined while it is not known. */
export function refusePolicy(path: Path, environment: string | undefined): string | undefined {
  if (path[0] === 'environments') {
    return 'an override applies to the environment that is chosen; leave "environments" and its name out of the path';
  }
  if (environment === 'local' || environment === undefined) return undefined;
  const touched = POLICY.find((policy) => policy.every((step, index) => index >= path.length || path[index] === step));
  if (touched === undefined) return undefined;
  return `${pathText(touched)} is policy and cannot be overridden for ${environment}; change it in the file`;
}
