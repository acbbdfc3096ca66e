import { describe, expect, it } from '@jest/globals';
import { isJsonPath, parseJson, readJsonPath } from '../../src/core/json-path.ts';

const VALUE = { a: { b: [{ c: 1 }, null] }, 'with-dash': true, list: [10, 20] };

describe('readJsonPath', () => {
  it.each([
    { path: '$', expected: VALUE },
    { path: '$.a.b[0].c', expected: 1 },
    { path: '$.a.b[1]', expected: null },
    { path: '$.with-dash', expected: true },
    { path: '$.list[1]', expected: 20 },
    { path: '$.list[2]', expected: undefined },
    { path: '$.list.length', expected: undefined },
    { path: '$.a[0]', expected: undefined },
    { path: '$.a.b[1].c', expected: undefined },
    { path: '$.constructor', expected: undefined },
    { path: '$.__proto__.x', expected: undefined },
    { path: '$..a', expected: undefined },
    { path: '$.list[*]', expected: undefined },
    { path: 'a.b', expected: undefined },
    { path: '', expected: undefined },
  ])('reads $path', ({ path, expected }) => {
    expect(readJsonPath(VALUE, path)).toEqual(expected);
  });

  it.each([undefined, null, 3, 'text', []])('answers undefined for a member of %p', (value) => {
    expect(readJsonPath(value, '$.a')).toBeUndefined();
  });
});

describe('isJsonPath', () => {
  it.each([
    { path: '$', expected: true },
    { path: '$.a[0].b', expected: true },
    { path: '$.a.', expected: false },
    { path: '$[a]', expected: false },
    { path: '$.a[-1]', expected: false },
  ])('says $expected of $path', ({ path, expected }) => {
    expect(isJsonPath(path)).toBe(expected);
  });
});

describe('parseJson', () => {
  it('answers undefined for what is no JSON', () => {
    expect([parseJson('{"a":1}'), parseJson('{"a":'), parseJson('')]).toEqual([{ a: 1 }, undefined, undefined]);
  });
});
