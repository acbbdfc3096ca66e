import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { renderCallerExamples } from '../../src/codegen/caller-examples.ts';
import { EXAMPLES, VERSION } from '../../src/init/examples.ts';

describe('the examples as a module', () => {
  it.each(Object.entries(EXAMPLES))('hold what config/examples/%s says, byte for byte', (name, text) => {
    expect(text).toBe(readFileSync(`config/examples/${name}`, 'utf8'));
  });

  it('know the version of the package', () => {
    expect(VERSION).toBe(`v${JSON.parse(readFileSync('package.json', 'utf8')).version}`);
  });

  it('keep what JavaScript would read otherwise', () => {
    const text = 'a: ${{ b }} `c` \\d ${e}\n';

    const module = renderCallerExamples({ "it's.yml": text }, '1.2.3');

    const literal = /'it\\'s\.yml': (`[\s\S]*`),\n/.exec(module)?.[1] ?? '';
    expect(new Function(`return ${literal}`)()).toBe(text);
  });
});
