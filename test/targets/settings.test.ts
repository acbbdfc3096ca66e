import { describe, expect, it } from '@jest/globals';
import { BuildCacheSettings } from '../../src/targets/settings.ts';

describe('the paths of a cache', () => {
  it.each(['node_modules', 'apps/web/.cache', '.venv', 'a b/c', '..a/b', 'größe', 'a-b', '.github', 'a.git'])(
    'may be %s',
    (path) => {
      expect(BuildCacheSettings.safeParse({ paths: [path], key: [path] }).success).toBe(true);
    },
  );

  it.each([
    ...['', '.', '..', '../a', 'a/..', 'a/../b', './a', 'a/./b', 'a//b', 'a/'],
    ...[
      '/etc',
      '~',
      '~/.npm',
      '-C',
      '!a',
      '#a',
      '*',
      'a/*',
      'a?',
      'a[b]',
      'a\\b',
      'a\nb',
      'a/b\n',
      '.git',
      'a/.git/hooks',
    ],
  ])('may not be %j', (path) => {
    expect(BuildCacheSettings.safeParse({ paths: [path], key: ['a'] }).success).toBe(false);
    expect(BuildCacheSettings.safeParse({ paths: ['a'], key: [path] }).success).toBe(false);
  });

  it('are at least one, and so are the files of its key', () => {
    expect(BuildCacheSettings.safeParse({ paths: [], key: ['a'] }).success).toBe(false);
    expect(BuildCacheSettings.safeParse({ paths: ['a'], key: [] }).success).toBe(false);
  });
});
