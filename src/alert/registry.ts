import type { Channel, ChannelPlatform, Patience } from './channel.ts';
import type { ChannelSettings } from './settings.ts';
import { slackChannel } from './slack.ts';
import { terminalChannel } from './terminal.ts';
import { webhookChannel } from './webhook.ts';

/** The channel of each kind. */
export function connectChannel(settings: ChannelSettings, platform: ChannelPlatform, patience: Patience): Channel {
  switch (settings.kind) {
    case 'terminal':
      return terminalChannel(platform);
    case 'webhook':
      return webhookChannel(settings, platform, patience);
    case 'slack':
      return slackChannel(settings, platform, patience);
  }
}
