import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { displayWidth, fitWidth, padWidth, wrapWidth } from '../../src/report/width.ts';

describe('displayWidth', () => {
  it.each([
    { text: 'plain', columns: 5 },
    { text: 'Größe', columns: 5 },
    { text: 'e\u0301', columns: 1 },
    { text: '警告', columns: 4 },
    { text: '안녕', columns: 4 },
    { text: 'ｱ', columns: 1 },
    { text: 'Ａ', columns: 2 },
    { text: '👩‍👩‍👧‍👦', columns: 2 },
    { text: '🇩🇪', columns: 2 },
    { text: '✓ ✗ │ → …', columns: 9 },
    { text: '', columns: 0 },
  ])('of "$text" is $columns', ({ text, columns }) => {
    expect(displayWidth(text)).toBe(columns);
  });
});

describe('fitWidth and padWidth', () => {
  it.each([
    { text: 'abcdef', columns: 4, fitted: 'abc…', padded: 'abcdef' },
    { text: 'ab', columns: 4, fitted: 'ab', padded: 'ab  ' },
    { text: '警告警', columns: 4, fitted: '警…', padded: '警告警' },
  ])('fit "$text" into $columns columns', ({ text, columns, fitted, padded }) => {
    expect(fitWidth(text, columns)).toBe(fitted);
    expect(padWidth(text, columns)).toBe(padded);
  });
});

describe('wrapWidth', () => {
  it.each([
    { name: 'breaks at spaces', text: 'aaa bbb ccc', columns: 7, lines: ['aaa bbb', 'ccc'] },
    { name: 'breaks long words', text: 'a bcdefghij k', columns: 4, lines: ['a', 'bcde', 'fghi', 'j k'] },
    { name: 'counts wide characters', text: '警告警告', columns: 5, lines: ['警告', '警告'] },
    { name: 'keeps line feeds', text: 'a\n\nb', columns: 9, lines: ['a', '', 'b'] },
  ])('$name', ({ text, columns, lines }) => {
    expect(wrapWidth(text, columns)).toEqual(lines);
  });

  it('loses nothing but spaces and fits, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.integer({ min: 2, max: 40 }), (text, columns) => {
        const lines = wrapWidth(text, columns);

        expect(lines.join('').replace(/[ \n]/g, '')).toBe(text.replace(/[ \n]/g, ''));
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
