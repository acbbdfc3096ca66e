import type { Configuration } from '../config/configuration.ts';
import { UserError } from '../core/errors.ts';
import { sealedNames } from '../core/sealed.ts';

/** Throws UserError `secret-not-here` when the state of this environment cannot be read or put back without secrets that are not here. */
export function requireStateSecrets({ state }: Pick<Configuration, 'state'>, remedy: string): void {
  const missing = sealedNames(state);
  if (missing.length === 0) return;
  throw new UserError(
    'secret-not-here',
    `the state of this environment needs ${missing.join(', ')}, which is not set here`,
    {
      hint: `Set it${remedy}.`,
    },
  );
}
