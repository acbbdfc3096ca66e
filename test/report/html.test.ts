import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { renderHtml } from '../../src/report/html.ts';
import { STYLE } from '../../src/report/html-style.ts';
import { aFinding, aReport, rolledBack } from './reports.ts';
import { tokenizeHtml } from './tokenize-html.ts';

describe('the HTML report', () => {
  const page = renderHtml(rolledBack);

  it('asks for nothing from outside and runs nothing: its policy allows its own style alone', () => {
    const meta = tokenizeHtml(page).flatMap((token) =>
      token.kind === 'open' && token.tag === 'meta' ? [token.attributes] : [],
    );
    const policy = meta.find((attributes) => attributes['http-equiv'] === 'Content-Security-Policy')?.['content'];
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');

    expect(policy).toBe(
      `default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;`,
    );
    expect(page).not.toMatch(/<script|\ssrc=|@import|url\(|\sstyle=|\son[a-z]+=/i);
  });

  it('shows every section that its record has', () => {
    const titles = [...page.matchAll(/<h2>([^<]*)/g)].map((match) => (match[1] ?? '').trim());

    expect(titles).toEqual([
      'Live now',
      'What was decided and why',
      'What to do next',
      'What happened, step by step',
      'Checks by layer',
      'Backup and data',
      'Wrong answers',
      'The whole report',
    ]);
  });

  it('opens the layers in which something is wrong and folds the others', () => {
    const layers = [...page.matchAll(/<details class="card"( open)?><summary><span class="name">(\w+)/g)];

    expect(layers.map((match) => [match[2], match[1] !== undefined])).toEqual([
      ['security', true],
      ['application', true],
      ['pipeline', true],
      ['performance', true],
      ['infrastructure', false],
      ['As', false],
    ]);
  });

  it('draws each step where it lies in the time of the whole', () => {
    const report = aReport({
      record: {
        steps: [
          { name: 'a', decision: 'proceed', reason: 'x', durationMs: 250 },
          { name: 'b', decision: 'stop', reason: 'x', durationMs: 750 },
          { name: 'c', decision: 'proceed', reason: 'x', durationMs: 0 },
        ],
      },
    });

    const bars = [...renderHtml(report).matchAll(/class="run-(\w+)" x="([\d.]+)%" width="([\d.]+)%"/g)];

    expect(bars.map(([, ...parts]) => parts)).toEqual([
      ['good', '0.00', '25.00'],
      ['bad', '25.00', '75.00'],
      ['good', '99.40', '0.60'],
    ]);
  });

  it.each([
    { reference: 'https://example.org/a?b=c', isLink: true },
    { reference: 'http://example.org', isLink: true },
    { reference: 'javascript:alert(1)', isLink: false },
    { reference: 'https://', isLink: false },
    { reference: '45 CFR 164.312', isLink: false },
    { reference: '//example.org', isLink: false },
  ])('links $reference: $isLink', ({ reference, isLink }) => {
    const written = renderHtml(aReport({ findings: [aFinding({ outcome: 'fail', references: [reference] })] }));

    expect(written.includes(`<a href="${reference}" rel="noopener noreferrer">`)).toBe(isLink);
    expect(written).toContain(`>${reference}</`);
  });
});

describe('the colours of the HTML report', () => {
  const [light, dark] = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map((match) => coloursOf(match[1] ?? ''));
  const pairs = [
    ['ink', 'page'],
    ['ink', 'card'],
    ['muted', 'page'],
    ['muted', 'card'],
    ['link', 'card'],
    ['ink', 'quiet-soft'],
    ['muted', 'quiet-soft'],
    ['good', 'good-soft'],
    ['caution', 'caution-soft'],
    ['bad', 'bad-soft'],
    ['ink', 'good-soft'],
    ['ink', 'caution-soft'],
    ['ink', 'bad-soft'],
    ['white', 'unsafe'],
  ] as const;

  it.each(pairs)('let a reader tell %s from %s, light and dark', (text, ground) => {
    for (const scheme of [light, dark]) {
      expect(contrast(scheme?.get(text) ?? 'ffffff', scheme?.get(ground) ?? '')).toBeGreaterThanOrEqual(4.5);
    }
  });
});

function coloursOf(rules: string): Map<string, string> {
  return new Map([...rules.matchAll(/--([a-z-]+): #([0-9a-f]{6});/g)].map((match) => [match[1] ?? '', match[2] ?? '']));
}

/** The ratio of WCAG 2 between two colours in six hexadecimal digits. */
function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
