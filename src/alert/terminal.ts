import { type Alert, firstLine } from './alert.ts';
import type { Channel, ChannelPlatform } from './channel.ts';

/** Shows alerts among the progress of the run. */
export function terminalChannel({ log }: Pick<ChannelPlatform, 'log'>): Channel {
  return {
    async send(alert: Alert) {
      const isQuiet = alert.severity === 'info' || alert.severity === 'low';
      const line = firstLine(alert);
      if (isQuiet) log.info(line);
      else log.warn(line);
      return { outcome: 'delivered', attempts: 1, detail: 'shown' };
    },
  };
}
