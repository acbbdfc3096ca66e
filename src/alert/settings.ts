import { z } from 'zod';
import { Severity } from '../core/finding.ts';
import { Name } from '../core/names.ts';

export const TerminalChannel = z.strictObject({ kind: z.literal('terminal') });
export type TerminalChannel = z.infer<typeof TerminalChannel>;

export const WebhookChannel = z.strictObject({
  kind: z.literal('webhook'),
  url: z.url({ protocol: /^https?$/ }).meta({ description: 'Gets one POST with JSON per alert' }),
  secret: z
    .string()
    .min(16)
    .meta({ secret: true, description: 'Key of the HMAC-SHA256 signature in the header holdfast-signature' }),
});
export type WebhookChannel = z.infer<typeof WebhookChannel>;

export const SlackChannel = z.strictObject({
  kind: z.literal('slack'),
  webhook: z
    .string()
    .refine(isPrivateWay, { error: 'expected an https address like https://hooks.slack.com/services/…' })
    .meta({ secret: true, description: 'Address of an incoming webhook of Slack' }),
});
export type SlackChannel = z.infer<typeof SlackChannel>;

export const ChannelSettings = z.discriminatedUnion('kind', [TerminalChannel, WebhookChannel, SlackChannel]);
export type ChannelSettings = z.infer<typeof ChannelSettings>;

export const RouteSettings = z.strictObject({
  when: z
    .strictObject({
      severity: z
        .union([Severity, z.array(Severity).min(1)])
        .optional()
        .meta({ description: 'One severity, or a list of them' }),
    })
    .prefault({})
    .meta({ description: 'Without a condition it matches every alert' }),
  send: z.array(Name).min(1).meta({ description: 'Names of channels' }),
  on_failure: Name.optional().meta({ description: 'The channel that is tried when one of them fails' }),
});
export type RouteSettings = z.infer<typeof RouteSettings>;

export const AlertSettings = z.strictObject({
  channels: z.record(Name, ChannelSettings).prefault({}),
  routes: z.array(RouteSettings).prefault([]).meta({ description: 'The first that matches is taken' }),
});
export type AlertSettings = z.infer<typeof AlertSettings>;

/** Whoever reads the address on its way can use it. On this computer nobody does. */
function isPrivateWay(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname));
}
