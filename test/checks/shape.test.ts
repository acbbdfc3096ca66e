import { describe, expect, it } from '@jest/globals';
import { compareShapes, isFieldName, shapeOf } from '../../src/checks/shape.ts';

describe('shapeOf', () => {
  it('keeps paths and types, merges the items of a list and says what only some have', () => {
    expect(shapeOf({ ok: true, items: [{ id: 1, note: 'x' }, { id: 'b' }], none: null, empty: [] })).toEqual({
      $: ['object'],
      '$.ok': ['boolean'],
      '$.items': ['array'],
      '$.items[]': ['object'],
      '$.items[].id': ['number', 'string'],
      '$.items[].note': ['string', 'absent'],
      '$.none': ['null'],
      '$.empty': ['array'],
    });
  });

  it('folds keys that are data', () => {
    const shape = shapeOf({
      byMail: { 'ada@example.org': { n: 1 }, 'alan@example.org': { n: 2 } },
      byId: { '7c9e6679-7425-40de-944b-e07fc1f90ae7': true },
      byDay: { '2026-01-01': 4 },
    });

    expect(Object.keys(shape)).toEqual([
      '$',
      '$.byMail',
      '$.byMail.*',
      '$.byMail.*.n',
      '$.byId',
      '$.byId.*',
      '$.byDay',
      '$.byDay.*',
    ]);
  });

  it('folds the keys of a table, whatever they look like', () => {
    const table = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`name${'abcdefghijklmnopqrst'[index]}`, 1]),
    );

    expect(Object.keys(shapeOf(table))).toEqual(['$', '$.*']);
  });

  it('ends on deep and on wide values', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 1000; level += 1) deep = [deep];
    const wide = Array.from({ length: 2000 }, (_, index) => ({
      [`k${String.fromCharCode(97 + (index % 26))}`]: index,
    }));

    expect(Object.keys(shapeOf(deep)).length).toBeLessThan(20);
    expect(Object.keys(shapeOf(wide)).length).toBeLessThan(40);
  });
});

describe('isFieldName', () => {
  it.each([
    { key: 'premium_cents', expected: true },
    { key: 'x-request-id', expected: true },
    { key: '@context', expected: true },
    { key: 'sha256', expected: true },
    { key: '42', expected: false },
    { key: 'ada@example.org', expected: false },
    { key: 'Ada Lovelace', expected: false },
    { key: 'deadbeef01', expected: false },
    { key: 'user-849302', expected: false },
    { key: 'a'.repeat(41), expected: false },
  ])('says $expected of $key', ({ key, expected }) => {
    expect(isFieldName(key)).toBe(expected);
  });
});

describe('compareShapes', () => {
  const before = { id: 1, name: 'a', tags: ['x'], rows: [{ a: 1, b: 's' }], maybe: null };
  it.each([
    { name: 'the same', now: { ...before, name: 'other' }, expected: [] },
    { name: 'a missing field', now: { ...before, name: undefined }, expected: ['fail lacks $.name'] },
    { name: 'a retyped field', now: { ...before, id: '1' }, expected: ['fail has a string at $.id instead of number'] },
    {
      name: 'a field that became null',
      now: { ...before, name: null },
      expected: ['fail has null at $.name instead of string'],
    },
    { name: 'a new field', now: { ...before, more: 1 }, expected: ['warn has $.more, which is new'] },
    { name: 'an empty list', now: { ...before, rows: [] }, expected: [] },
    {
      name: 'a field missing in all rows',
      now: { ...before, rows: [{ a: 1 }, { a: 2 }] },
      expected: ['fail lacks $.rows[].b'],
    },
    {
      name: 'a field missing in some rows',
      now: { ...before, rows: [{ a: 1 }, { a: 2, b: 's' }] },
      expected: ['warn lacks $.rows[].b in some items'],
    },
    {
      name: 'null in a row',
      now: { ...before, rows: [{ a: 1, b: null }] },
      expected: ['warn has null at $.rows[].b in some items'],
    },
    { name: 'a type where only null was seen', now: { ...before, maybe: 'text' }, expected: [] },
    { name: 'a missing list, once', now: { ...before, rows: undefined }, expected: ['fail lacks $.rows'] },
    { name: 'another kind of answer', now: [before], expected: ['fail has an array at $ instead of object'] },
  ])('finds $name', ({ now, expected }) => {
    const found = compareShapes(shapeOf(before), shapeOf(JSON.parse(JSON.stringify(now))));

    expect(found.map(({ severity, text }) => `${severity} ${text}`)).toEqual(expected);
  });
});
