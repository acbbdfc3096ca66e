import { afterEach, describe, expect, it } from '@jest/globals';
import { actionsRunner } from '../../src/hosts/runner.ts';

const NAME = 'INPUT_GITHUB-TOKEN';

afterEach(() => {
  delete process.env[NAME];
});

describe('an input', () => {
  it('is taken as it is, and is in the environment of nothing that is started later', () => {
    process.env[NAME] = '  a token\n';
    const runner = actionsRunner(process.env);

    expect(runner.takeInput('github-token')).toBe('  a token\n');
    expect(process.env[NAME]).toBeUndefined();
    expect(runner.takeInput('github-token')).toBe('');
  });
});
