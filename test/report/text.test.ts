import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  cut,
  defuseCommands,
  escapeHtml,
  escapeMarkdown,
  fenceMarkdown,
  oneLine,
  plainText,
} from '../../src/report/text.ts';
import { HOSTILE } from './hostile.ts';

describe('plainText', () => {
  it.each([
    { name: 'keeps words in any script', input: 'Größe 警告 – naïve 👍🏽', expected: 'Größe 警告 – naïve 👍🏽' },
    { name: 'drops colours', input: '\u001b[1;31mred\u001b[0m', expected: 'red' },
    { name: 'drops titles and links', input: '\u001b]8;;https://x\u001b\\text\u001b]8;;\u0007', expected: 'text' },
    { name: 'keeps what follows an escape without end', input: 'a\u001b]0;b', expected: 'a0;b' },
    { name: 'shows that control bytes were there', input: 'a\u0000b\u007fc\bd', expected: 'a\ufffdb\ufffdc\ufffdd' },
    { name: 'shows that direction marks were there', input: 'a\u202eb\u2066c', expected: 'a\ufffdb\ufffdc' },
    { name: 'makes one kind of line end', input: 'a\r\nb\rc\u2028d\u0085e', expected: 'a\nb\nc\nd\ne' },
    { name: 'turns tabs into spaces', input: 'a\tb', expected: 'a  b' },
    { name: 'replaces lone surrogates', input: 'a\ud800b', expected: 'a\ufffdb' },
    { name: 'keeps few marks on a letter', input: `a${'\u0301'.repeat(9)}b`, expected: `a${'\u0301'.repeat(3)}b` },
    { name: 'breaks up old commands of a runner', input: 'x##[error]y', expected: 'x# #[error]y' },
  ])('$name', ({ input, expected }) => {
    expect(plainText(input)).toBe(expected);
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE.map(([, text]) => text))),
        (text) => {
          expect(plainText(plainText(text))).toBe(plainText(text));
        },
      ),
    );
  });
});

describe('cut', () => {
  it('tells how much is missing', () => {
    expect(cut('abcdef', 4)).toBe('abcd… (2 more characters)');
  });

  it('does not cut a character in two', () => {
    expect(cut('abc👍', 4)).toBe('abc… (2 more characters)');
  });

  it('leaves what fits', () => {
    expect(cut('abcd', 4)).toBe('abcd');
  });
});

describe('oneLine', () => {
  it('runs white space together', () => {
    expect(oneLine('  a\n\n b\u00a0c ')).toBe('a b c');
  });
});

describe('defuseCommands', () => {
  it.each([
    { input: '::error::x', expected: ': :error::x' },
    { input: 'a\n  ::error::x', expected: 'a\n  : :error::x' },
    { input: '\u001b[31m::error::x', expected: '\u001b[31m: :error::x' },
    { input: 'a ::1 b', expected: 'a ::1 b' },
  ])('makes $input harmless and leaves addresses within a line', ({ input, expected }) => {
    expect(defuseCommands(input)).toBe(expected);
  });
});

describe('escapeHtml', () => {
  it('escapes what begins or ends markup', () => {
    expect(escapeHtml(`<a b="c" d='e'>&`)).toBe('&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;');
  });
});

describe('escapeMarkdown', () => {
  it.each([
    { input: '**a** _b_ `c` [d](e)', expected: '\\*\\*a\\*\\* \\_b\\_ \\`c\\` \\[d\\](e)' },
    { input: 'a | b\nc', expected: 'a \\| b c' },
    { input: '# a', expected: '\\# a' },
    { input: '- a', expected: '\\- a' },
    { input: '1. a', expected: '1\\. a' },
    { input: '1.5 s', expected: '1.5 s' },
    { input: '<b>&amp;', expected: '&lt;b&gt;&amp;amp;' },
    { input: 'https://x.example @me #7', expected: 'https&#58;//x.example &#64;me \\#7' },
    { input: 'C:\\dir', expected: 'C:\\\\dir' },
  ])('shows $input as it is', ({ input, expected }) => {
    expect(escapeMarkdown(input)).toBe(expected);
  });
});

describe('fenceMarkdown', () => {
  it('uses a fence that the text cannot end', () => {
    expect(fenceMarkdown('a\n````\nb')).toBe('`````text\na\n````\nb\n`````');
  });
});
