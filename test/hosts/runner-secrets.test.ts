import { describe, expect, it } from '@jest/globals';
import { takeSecrets } from '../../src/hosts/runner-secrets.ts';
import { fakeRunner } from './fake-runner.ts';

async function take(text: string, environment: Record<string, string> = {}) {
  const runner = fakeRunner();
  const secrets = await takeSecrets(text, runner, environment);
  return { ...secrets, masks: runner.masks };
}

const KEY = '-----BEGIN KEY-----\nbGluZSBvbmU=\nab\n-----END KEY-----\n';

describe('the secrets of a job', () => {
  it.each([
    { name: 'none', text: '', expected: {} },
    { name: 'one as GitHub writes it', text: 'A: "b\\"c\\\\d\\u00e9"', expected: { A: 'b"c\\dé' } },
    { name: 'several lines', text: `KEY: ${JSON.stringify(KEY)}`, expected: { KEY } },
    {
      name: 'what looks like a command',
      text: 'A: "::set-output name=x::y"',
      expected: { A: '::set-output name=x::y' },
    },
    { name: 'one that is not set', text: 'A: ""\nB: null\nC: "here"', expected: { C: 'here' } },
    { name: 'one that looks like a number', text: 'PIN: 0123', expected: { PIN: '0123' } },
    { name: 'one that looks like a boolean', text: 'ON: yes\nOFF: False', expected: { ON: 'yes', OFF: 'False' } },
    { name: 'the name of a member of every object', text: '__proto__: "value"', expected: { ['__proto__']: 'value' } },
    { name: 'lines that are indented alike', text: '  A: "one"\n  B: "two"\n', expected: { A: 'one', B: 'two' } },
  ])('are read: $name', async ({ text, expected }) => {
    const { values, problem } = await take(text);

    expect({ values, problem }).toEqual({ values: expected, problem: undefined });
  });

  it.each([
    { name: 'a list', text: '- "sentinel-4711"' },
    { name: 'a text', text: 'sentinel-4711' },
    { name: 'a map in a map', text: 'A: { B: "sentinel-4711" }' },
    { name: 'a name that is none', text: 'a-b: "sentinel-4711"' },
    { name: 'a name twice', text: 'A: "sentinel-4711"\nA: "sentinel-4711"' },
    { name: 'quotes that are not closed', text: 'A: "sentinel-4711\nB: x' },
    { name: 'a value that was not made JSON', text: 'A: sentinel-4711: [' },
  ])('are refused without a word of them, and masked: $name', async ({ text }) => {
    const { problem, masks } = await take(text);

    expect(problem).toMatchObject({ code: 'secrets-malformed' });
    expect(`${problem?.message}${problem?.hint}`).not.toContain('4711');
    expect(masks.some((mask) => mask.includes('sentinel-4711'))).toBe(true);
  });

  it('are masked whole, by line, and as outputs would carry them', async () => {
    const secret = 'pa"ss/wo rd';

    const { masks } = await take(`A: ${JSON.stringify(secret)}\nKEY: ${JSON.stringify(KEY)}`);

    for (const form of [
      secret,
      'pa\\"ss/wo rd',
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      Buffer.from(KEY).toString('base64'),
      '-----BEGIN KEY-----',
      'bGluZSBvbmU=',
    ]) {
      expect(masks).toContain(form);
    }
  });

  it('are never told to the runner as several lines, nor in pieces of under 4 characters', async () => {
    const { masks, unmasked } = await take(`KEY: ${JSON.stringify(KEY)}\nPIN: "1"`);

    expect(masks.filter((mask) => mask.length < 4 || /[\r\n]/.test(mask))).toEqual([]);
    expect(unmasked).toEqual(['PIN']);
  });

  it('are not told to act where it would print them', async () => {
    const { masks, values } = await take('A: "left::right"', { ACT: 'true' });

    expect(masks.filter((mask) => mask.includes('::'))).toEqual([]);
    expect(values).toEqual({ A: 'left::right' });
  });
});
