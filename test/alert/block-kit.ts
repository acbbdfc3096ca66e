import { z } from 'zod';

/** What Slack publishes of the blocks that an incoming webhook takes, as far as Holdfast sends them. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed());

const PlainText = (max: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: text(max), emoji: z.boolean().optional() });

const Markup = (max: number) =>
  z.strictObject({ type: z.literal('mrkdwn'), text: text(max), verbatim: z.boolean().optional() });

const blockId = z.string().max(255).optional();
const Header = z.strictObject({ type: z.literal('header'), text: PlainText(150), block_id: blockId });
const Section = z
  .strictObject({
    type: z.literal('section'),
    text: z.discriminatedUnion('type', [PlainText(3000), Markup(3000)]).optional(),
    fields: z
      .array(z.discriminatedUnion('type', [PlainText(2000), Markup(2000)]))
      .min(1)
      .max(10)
      .optional(),
    block_id: blockId,
  })
  .refine((section) => section.text !== undefined || section.fields !== undefined);
const Context = z.strictObject({
  type: z.literal('context'),
  elements: z
    .array(z.discriminatedUnion('type', [PlainText(3000), Markup(3000)]))
    .min(1)
    .max(10),
  block_id: blockId,
});

/** A message that Slack takes. Throws where it breaks a limit. */
export const SlackPayload = z.strictObject({
  text: text(4000),
  blocks: z
    .array(z.discriminatedUnion('type', [Header, Section, Context]))
    .min(1)
    .max(50)
    // Not published; refused from about 13,200 on.
    .refine((blocks) => JSON.stringify(blocks).length < 12_000),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
});
export type SlackPayload = z.infer<typeof SlackPayload>;

/** Every text of a message that somebody reads. */
export function textsOf({ text: fallback, blocks }: SlackPayload): string[] {
  return [fallback, ...blocks.flatMap(textsOfBlock)];
}

function textsOfBlock(block: SlackPayload['blocks'][number]): string[] {
  switch (block.type) {
    case 'header':
      return [block.text.text];
    case 'section':
      return [block.text, ...(block.fields ?? [])].flatMap((part) => (part === undefined ? [] : [part.text]));
    case 'context':
      return block.elements.map((element) => element.text);
  }
}

/** What Slack shows of an escaped text. */
export function shown(escaped: string): string {
  return escaped.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
