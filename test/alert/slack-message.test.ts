import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Alert } from '../../src/alert/alert.ts';
import { slackMessage } from '../../src/alert/slack-message.ts';
import { Severity } from '../../src/core/finding.ts';
import { HOSTILE } from '../report/hostile.ts';
import { SlackPayload, shown, textsOf } from './block-kit.ts';

function anAlert(changes: Partial<Alert> = {}): Alert {
  return {
    key: 'shop/production/release/r-1/rolled-back',
    severity: 'high',
    project: 'shop',
    environment: 'production',
    release: 'r-1',
    version: 'v3',
    reason: 'rolled-back',
    happened: 'failed and was rolled back',
    live: 'v2 is live',
    todo: 'whoever released it corrects it',
    details: ['v3 failed 1 of 31 checks', 'fail login: POST /login answers 500'],
    at: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}

const RUN = 'https://github.com/acme/shop/actions/runs/1';

/** The message as Slack gets it, held to its limits. */
const sent = (alert: Alert): SlackPayload => SlackPayload.parse(JSON.parse(JSON.stringify(slackMessage(alert))));
const detailsIn = (message: SlackPayload) => textsOf(message).filter((text) => text.startsWith('• '));
/** Everything but the one link that is ours. */
const untrusted = (message: SlackPayload) => textsOf(message).filter((text) => !text.endsWith('|Open the run>'));

describe('an alert in Slack', () => {
  it('says what happened, what is live, what to do and what failed, in this order', () => {
    const { text, blocks } = sent(anAlert({ url: RUN }));

    expect(text).toBe('shop production v3 failed and was rolled back; v2 is live; whoever released it corrects it');
    expect(blocks).toEqual([
      { type: 'header', text: { type: 'plain_text', text: '🔴 shop production v3 failed and was rolled back' } },
      markup('*Severity:* high\n*Live:* v2 is live\n*To do:* whoever released it corrects it'),
      markup('• v3 failed 1 of 31 checks'),
      markup('• fail login: POST /login answers 500'),
      markup(`<${RUN}|Open the run>`),
      {
        type: 'context',
        elements: [
          {
            type: 'mrkdwn',
            text: 'shop · production · r-1 · rolled-back · 2026-01-01T00:00:00.000Z',
            verbatim: true,
          },
        ],
      },
    ]);
  });

  it('has nothing unfolded and nothing made into a link by itself', () => {
    const message = sent(anAlert({ details: ['see https://example.org and #general'] }));

    expect(message).toMatchObject({ unfurl_links: false, unfurl_media: false });
    for (const block of message.blocks) expect(JSON.stringify(block)).toMatch(/"verbatim":true|"plain_text"/);
  });

  it('escapes the three characters that Slack asks for, and no others', () => {
    const [, first] = detailsIn(sent(anAlert({ details: ['', `a < b && c > d, "e" 'f' *g* &lt;`] })));

    expect(first).toBe(`• a &lt; b &amp;&amp; c &gt; d, "e" 'f' *g* &amp;lt;`);
  });

  it.each([
    { name: 'everybody of a channel', text: '<!channel>', expected: '• &lt;!channel&gt;' },
    { name: 'a person', text: '<@U012AB3CD>', expected: '• &lt;@ U012AB3CD&gt;' },
    { name: 'a group', text: '<!subteam^SAZ94GDB8>', expected: '• &lt;!subteam^SAZ94GDB8&gt;' },
    { name: 'a link under another name', text: '<http://evil|ok>', expected: '• &lt;http://evil|ok&gt;' },
    {
      name: 'a bare name',
      text: '@channel @here, mail ops@example.org',
      expected: '• @ channel @ here, mail ops@example.org',
    },
    { name: 'a link of Markdown', text: '[ok](https://evil)', expected: '• [ok] (https://evil)' },
    { name: 'a line of its own', text: 'x\n*Live:* v9\u2028is live', expected: '• x *Live:* v9 is live' },
    { name: 'turned text', text: 'good \u202edab\u202c \u2066x', expected: '• good dab x' },
    { name: 'colours', text: '\u001b[31mred\u001b[0m\u0007', expected: '• red' },
    { name: 'half a character', text: 'x\ud800y', expected: '• x\ufffdy' },
  ])('keeps a text from becoming $name', ({ text, expected }) => {
    expect(detailsIn(sent(anAlert({ details: [text] })))).toEqual([expected]);
  });

  it.each([
    { name: 'that is not private', url: 'http://example.org/' },
    { name: 'that is a program', url: 'javascript:alert(1)' },
    { name: 'with a password', url: 'https://user:word@example.org/' },
    { name: 'that is none', url: 'the run' },
    { name: 'of no length', url: '' },
    { name: 'of any length', url: `${RUN}?${'a'.repeat(1500)}` },
  ])('has no link to an address $name', ({ url }) => {
    expect(sent(anAlert({ url }))).toEqual(sent(anAlert()));
  });

  it('has a link whose address cannot end early', () => {
    const texts = textsOf(sent(anAlert({ url: `${RUN}?a=1&b=<!channel>|x#>|<y` })));

    expect(texts).toContain(`<${RUN}?a=1&amp;b=%3C!channel%3E%7Cx#%3E%7C%3Cy|Open the run>`);
  });
});

describe('an alert that is too much for Slack', () => {
  it('loses its last details, and says how many', () => {
    const details = Array.from({ length: 100 }, (_, index) => `fail check-${index}: ${'x'.repeat(900)}`);

    const message = sent(anAlert({ details, url: RUN }));

    const kept = detailsIn(message);
    expect(kept.length).toBeGreaterThan(5);
    expect(kept).toEqual(details.slice(0, kept.length).map((detail) => `• ${detail}`));
    expect(textsOf(message)).toContain(`… and ${100 - kept.length} more: see the report`);
    expect(textsOf(message)).toContain(`<${RUN}|Open the run>`);
  });

  it('has at most 50 blocks', () => {
    const message = sent(anAlert({ details: Array.from({ length: 200 }, () => 'x') }));

    expect(detailsIn(message)).toHaveLength(40);
    expect(textsOf(message)).toContain('… and 160 more: see the report');
  });

  it('keeps its header, its facts and its first detail, each cut', () => {
    const long = '"\\<'.repeat(100_000);

    const message = sent(
      anAlert({ version: long, live: long, todo: long, details: [long, 'x'], url: `${RUN}#${'\\'.repeat(1400)}` }),
    );

    const [text = '', header = '', facts = '', detail = ''] = textsOf(message);
    for (const part of [text, header, facts, detail]) expect(part.endsWith('…')).toBe(true);
    expect(shown(header)).toMatch(/^🔴 shop production "\\</);
    expect(shown(facts)).toMatch(/^\*Severity:\* high\n\*Live:\* "\\<.+…\n\*To do:\* "\\<.+…$/);
    expect(detail.length).toBeGreaterThan(1900);
  });

  it('is never cut within a character or an entity', () => {
    for (let before = 130; before < 150; before += 1) {
      const [, header = ''] = textsOf(sent(anAlert({ project: `${'x'.repeat(before)}&&&&👩👩👩👩` })));
      expect(header.replace(/&amp;/g, '')).not.toContain('&');
      expect(header.isWellFormed()).toBe(true);
    }
  });
});

/** Texts that try to be something else, from nothing to far over every limit. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(...HOSTILE.map(([, hostile]) => hostile)),
  fc
    .tuple(
      fc.constantFrom('<!channel>', '<@U1>', '<http://x|y>', '&', '"', '\\', '👩', '\u0301', ' @here', '\u202e'),
      fc.nat(8000),
    )
    .map(([part, times]) => part.repeat(times)),
);
const alerts = fc.record<Alert>(
  {
    key: text,
    severity: fc.constantFrom(...Severity.options),
    project: text,
    environment: text,
    release: text,
    version: text,
    reason: text,
    happened: text,
    live: text,
    todo: text,
    details: fc.array(text, { maxLength: 60 }),
    at: text,
    url: fc.oneof(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      text.map((path) => `https://x/${path}`),
      text,
    ),
  },
  {
    requiredKeys: ['key', 'severity', 'project', 'environment', 'reason', 'happened', 'live', 'todo', 'details', 'at'],
  },
);

describe('an alert of any texts', () => {
  it('is a message that Slack takes, with no markup but our own', () => {
    fc.assert(
      fc.property(alerts, (alert) => {
        const message = sent(alert);

        const texts = untrusted(message);
        for (const each of texts) {
          expect(each).not.toMatch(/[<>]|&(?!(?:amp|lt|gt);)/);
          expect(each).not.toMatch(/(?<![A-Za-z0-9])@\w/);
          expect(each.replaceAll('\n*Live:*', '').replaceAll('\n*To do:*', '')).not.toMatch(
            /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u,
          );
        }
        const links = textsOf(message).filter((each) => !texts.includes(each));
        expect(links.length).toBeLessThanOrEqual(1);
        for (const link of links) expect(link).toMatch(/^<https:\/\/[^<>|\s]+\|Open the run>$/);
        expect(message.blocks.map(({ type }) => type).slice(0, 2)).toEqual(['header', 'section']);
        expect(detailsIn(message).length).toBeGreaterThanOrEqual(Math.min(1, alert.details.length));
      }),
      { numRuns: 100 },
    );
  });
});

function markup(markedUp: string) {
  return { type: 'section', text: { type: 'mrkdwn', text: markedUp, verbatim: true } };
}
