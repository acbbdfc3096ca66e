import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { renderHtml } from '../../src/report/html.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { createMask } from '../../src/report/mask.ts';
import { renderReport } from '../../src/report/terminal.ts';
import { hostileBlocks, hostileReport } from './hostile.ts';
import { released } from './reports.ts';

const SECRET = 's3nt!nel/"q" +ä&<k>\\z';

describe('createMask', () => {
  it.each([
    { name: 'as it is', text: `a ${SECRET} b`, expected: 'a *** b' },
    { name: 'twice', text: SECRET + SECRET, expected: '******' },
    { name: 'JSON-escaped', text: JSON.stringify({ password: SECRET }), expected: '{"password":"***"}' },
    { name: 'URL-encoded', text: `x=${encodeURIComponent(SECRET)}&y`, expected: 'x=***&y' },
    { name: 'as a form', text: new URLSearchParams({ x: SECRET }).toString(), expected: 'x=***' },
    { name: 'in base64', text: `b:${Buffer.from(SECRET).toString('base64')}.`, expected: 'b:***.' },
    { name: 'in URL-safe base64', text: `b:${Buffer.from(SECRET).toString('base64url')}.`, expected: 'b:***.' },
  ])('replaces a secret $name', ({ text, expected }) => {
    const mask = createMask({ PASSWORD: SECRET });

    const masked = mask(text);

    expect(masked).toBe(expected);
  });

  it.each(['', 'u', 'us', 'user', 'alice@example.org'])('replaces a secret in the base64 of "%s:secret"', (user) => {
    const mask = createMask({ PASSWORD: SECRET });
    const header = Buffer.from(`${user}:${SECRET}:x`).toString('base64');

    const masked = mask(`Basic ${header}`);

    // What is left holds the user, the colons, the x, and the characters that they share with the secret.
    const left = masked.replace('Basic ', '').replace('***', '');
    expect(masked).toContain('***');
    expect(left.length).toBeLessThanOrEqual(Math.ceil(((user.length + ':'.length + ':x'.length) * 4) / 3) + 4);
  });

  it('replaces each line of a secret with several, and the whole of it', () => {
    const key = '-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----\n';
    const mask = createMask({ KEY: key });

    expect(mask(`<${key}>`)).toBe('<***>');
    expect(mask('line ijklmnop')).toBe('line ***');
  });

  it('replaces the longer secret where one holds the other', () => {
    const mask = createMask({ A: 'pass', B: 'password1234' });

    expect(mask('password1234 pass')).toBe('*** ***');
  });

  it('leaves values under four characters, and every text without secrets', () => {
    const mask = createMask({ A: 'abc', B: '', C: '\n' });

    expect(mask('abc \n')).toBe('abc \n');
  });

  it('takes a secret as text, not as a pattern', () => {
    const mask = createMask({ A: '.*+?^${}()|[]' });

    expect(mask('anything .*+?^${}()|[] else')).toBe('anything *** else');
  });
});

describe('a report that holds a secret', () => {
  const mask = createMask({ PASSWORD: SECRET, TOKEN: 'tok-4711-sentinel' });
  const text = `x ${SECRET} y tok-4711-sentinel ${encodeURIComponent(SECRET)} ${'pad '.repeat(480)} tok-4711-sentinel`;
  const report = hostileReport(text);
  const blocks = hostileBlocks(text);

  it.each([
    { name: 'terminal', written: renderReport(report, { colour: true, width: 80, blocks, mask }) },
    { name: 'narrow terminal', written: renderReport(report, { colour: false, width: 24, blocks, mask }) },
    { name: 'Markdown', written: renderMarkdown(report, { blocks, mask }) },
    { name: 'HTML', written: renderHtml(report, { blocks, mask }) },
    { name: 'JSON', written: renderJson(report, { mask }) },
  ])('does not show it in $name', ({ written }) => {
    const joined = written.replace(/[\s│]+/g, '');

    expect(joined).not.toMatch(/s3nt|nel\/|4711|sentinel|%22q%22/);
    expect(written).toContain('***'.replaceAll('*', written.includes('\\*') ? '\\*' : '*'));
  });

  it('shows neither a secret that colours cut in two', () => {
    const cut = hostileReport('tok-4711\u001b[0m-sentinel');

    expect(renderHtml(cut, { mask })).not.toContain('4711');
    expect(renderJson(cut, { mask })).not.toContain('4711');
    expect(renderReport(cut, { colour: false, width: 80, mask })).not.toContain('4711');
  });

  it('keeps the words of the contract when a secret is one of them', () => {
    const common = createMask({ A: 'released', B: 'release', C: 'steps', D: '1460', E: 'html', F: 'pass', G: 'card' });

    const json: unknown = JSON.parse(renderJson(released, { mask: common }));

    expect(json).toMatchObject({
      reason: 'released',
      record: { live: {}, steps: [{}, { durationMs: 1460 }, {}, {}, {}] },
    });
    expect(renderHtml(released, { mask: common })).toMatch(/^<!doctype html>\n<html lang="en">/);
  });
});
