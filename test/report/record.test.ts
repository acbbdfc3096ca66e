import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { renderHtml } from '../../src/report/html.ts';
import { jsonBlock, label } from '../../src/report/json-block.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { readRecord } from '../../src/report/record.ts';
import { renderReport } from '../../src/report/terminal.ts';
import { aReport, rolledBack } from './reports.ts';

const MEMBERS = ['live', 'steps', 'backup', 'writes', 'rollback', 'plan', 'wrongAnswers'];

describe('readRecord', () => {
  it('reads the members that it knows and keeps the others', () => {
    const record = readRecord(rolledBack);

    expect(record.live).toEqual({ release: 'r-20261122T101500-4f2a', version: 'v2' });
    expect(record.steps).toHaveLength(6);
    expect(record.backup?.proof).toEqual({ verified: true, restoreMs: 640 });
    expect(record.writes.map(({ count }) => count)).toEqual([14, 1]);
    expect(Object.keys(record.others)).toEqual(['wrongAnswers']);
  });

  it('keeps what has another shape for the section of everything else', () => {
    const record = readRecord(aReport({ record: { live: 'v2', steps: [{ name: 'a', decision: 'proceed' }, 7] } }));

    expect(record.live).toBeUndefined();
    expect(record.steps).toHaveLength(1);
    expect(Object.keys(record.others)).toEqual(['live', 'steps']);
  });

  it('tells nothing live from not known', () => {
    expect(readRecord(aReport({ record: { live: null } })).live).toBeNull();
    expect(readRecord(aReport()).live).toBeUndefined();
  });
});

describe('renderers', () => {
  it('show any record and never throw', () => {
    const record = fc.dictionary(fc.oneof(fc.constantFrom(...MEMBERS), fc.string()), fc.jsonValue(), { maxKeys: 6 });
    fc.assert(
      fc.property(record, (members) => {
        const report = aReport({ record: JSON.parse(JSON.stringify(members)) });

        expect(renderReport(report, { colour: false, width: 80 })).toContain('RELEASED');
        expect(renderMarkdown(report)).toContain('Released');
        expect(renderHtml(report)).toContain('</html>');
      }),
      { numRuns: 200 },
    );
  });
});

describe('jsonBlock', () => {
  it.each([
    { value: ['a', 1, null], expected: { kind: 'text', text: 'a\n1\n' } },
    { value: [], expected: { kind: 'text', text: 'none' } },
    { value: 'plain', expected: { kind: 'text', text: 'plain' } },
    {
      value: { rowCount: 3, names: ['a', 'b'] },
      expected: {
        kind: 'table',
        columns: ['', ''],
        rows: [
          ['Row count', '3'],
          ['Names', 'a, b'],
        ],
      },
    },
    {
      value: [{ a: 1 }, { b: { c: 2 } }],
      expected: {
        kind: 'table',
        columns: ['A', 'B'],
        rows: [
          ['1', ''],
          ['', '{"c":2}'],
        ],
      },
    },
  ])('shows $value', ({ value, expected }) => {
    expect(jsonBlock(value)).toEqual(expected);
  });

  it('shortens a long list and says so', () => {
    const block = jsonBlock(Array.from({ length: 250 }, (_, index) => ({ index })));

    expect(block.kind === 'table' && block.rows.at(-1)).toEqual(['and 150 more in the JSON report']);
  });
});

describe('label', () => {
  it.each([
    ['wrongAnswers', 'Wrong answers'],
    ['some-thing_else', 'Some thing else'],
  ])('makes a title of %s', (name, expected) => {
    expect(label(name)).toBe(expected);
  });
});
