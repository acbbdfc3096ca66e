import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { allPages, anchorsOf, codeSpansOf, localLinksOf, pageAt } from './pages.ts';

const pages = allPages();

describe('the links of the documentation', () => {
  it.each(pages)('of $path lead to files and headings that exist', (page) => {
    const broken = localLinksOf(page).filter(
      ({ file, heading }) =>
        !existsSync(file) ||
        (heading !== undefined && file.endsWith('.md') && !anchorsOf(pageAt(file).text).includes(heading)),
    );

    expect(broken.map(({ written }) => written)).toEqual([]);
  });

  it('reach every page of docs/ from the README', () => {
    const reached = new Set(localLinksOf(pageAt('README.md')).map(({ file }) => file));
    const unreached = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !reached.has(path));

    expect(unreached).toEqual([]);
  });
});

describe('the architecture page', () => {
  const folders = /^(?:src|test|actions|scripts|config|docs|examples|bin|baselines)\//;
  const paths = codeSpansOf(pageAt('src/README.md').text).filter((span) => folders.test(span) && !/[<*…{ ]/.test(span));

  it.each([...new Set(paths)])('names %s, which exists', (path) => {
    expect(existsSync(path)).toBe(true);
  });

  it('names files', () => {
    expect(paths.length).toBeGreaterThan(40);
  });
});
