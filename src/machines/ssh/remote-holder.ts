import { UserError } from '../../core/errors.ts';
import type { Holder } from '../../platform/holder.ts';

/** Refuses to hold sockets on the server: that needs a program of ours to run there. */
export function remoteHolder(host: string): Holder {
  return {
    async connect(_folder, { start }) {
      // Asked only whether one runs: none does.
      if (!start) return undefined;
      throw new UserError('holder-not-here', `nothing on ${host} can hold the sockets of services between releases`, {
        hint: 'Use the strategy "restart" or "overlap" on this target, or a supervisor that holds sockets.',
      });
    },
  };
}
