import { describe, expect, it } from '@jest/globals';
import { compileGlobs } from '../../src/sources/glob.ts';

describe('compileGlobs', () => {
  const cases: { pattern: string; matches: string[]; misses: string[] }[] = [
    { pattern: '*.tmp', matches: ['a.tmp', '.tmp', '.hidden.tmp'], misses: ['a/b.tmp', 'a.tmpx', 'atmp'] },
    { pattern: '**/*.tmp', matches: ['a.tmp', 'a/b.tmp', 'a/.b/c.tmp'], misses: ['a/b.tmp2'] },
    { pattern: 'cache', matches: ['cache', 'cache/a', 'cache/a/b'], misses: ['cached', 'a/cache'] },
    { pattern: 'cache/', matches: ['cache', 'cache/a'], misses: ['a/cache'] },
    { pattern: './cache', matches: ['cache/a'], misses: ['a/cache'] },
    { pattern: 'cache/**', matches: ['cache/a', 'cache/a/b', 'cache/.a'], misses: ['cache', 'x/cache/a'] },
    { pattern: '**/cache', matches: ['cache', 'a/cache/b'], misses: ['a/cached'] },
    { pattern: 'a/**/z', matches: ['a/z', 'a/b/z', 'a/b/c/z'], misses: ['az', 'a/zz', 'b/a/z'] },
    { pattern: 'a/*/z', matches: ['a/b/z'], misses: ['a/z', 'a/b/c/z'] },
    { pattern: 'file?.log', matches: ['file1.log', 'file..log'], misses: ['file.log', 'file/.log'] },
    { pattern: '.*', matches: ['.git', '.git/config'], misses: ['git'] },
    { pattern: 'a+(b)[c].{d}', matches: ['a+(b)[c].{d}'], misses: ['aab', 'abc.d'] },
    { pattern: 'a\nb*', matches: ['a\nb\nc'], misses: ['a'] },
    { pattern: '**', matches: ['a', '.a', 'a/b'], misses: [''] },
  ];
  for (const { pattern, matches, misses } of cases) {
    it(`reads ${JSON.stringify(pattern)}`, () => {
      const isExcluded = compileGlobs([pattern]);

      expect(matches.filter((path) => !isExcluded(path))).toEqual([]);
      expect(misses.filter((path) => isExcluded(path))).toEqual([]);
    });
  }

  it('excludes what any of several patterns matches, and nothing without patterns', () => {
    expect(['a', 'b', 'c'].filter(compileGlobs(['a', 'c']))).toEqual(['a', 'c']);
    expect(compileGlobs([])('a')).toBe(false);
  });

  it('is quick for a path made to make it slow', () => {
    const isExcluded = compileGlobs(['**/a*a*a*a*b', '**/**/**/x']);

    expect(isExcluded(`${'a/'.repeat(60)}${'a'.repeat(60)}`)).toBe(false);
  });
});
