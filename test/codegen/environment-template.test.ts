import { describe, expect, it } from '@jest/globals';
import { renderEnvironmentTemplate } from '../../src/codegen/environment-template.ts';

function linesOf(properties: object, definitions: object = {}): string[] {
  const text = renderEnvironmentTemplate({ type: 'object', properties, $defs: definitions });
  return text.split('\n').filter((line) => line !== '' && !/^#( |$)/.test(line));
}

describe('the template of variables', () => {
  it.each([
    { name: 'a single value', properties: { project: { type: 'string' } }, expected: ['#HOLDFAST__PROJECT='] },
    {
      name: 'a default',
      properties: { releases: { type: 'object', properties: { keep: { type: 'integer', default: 5 } } } },
      expected: ['#HOLDFAST__RELEASES__KEEP=5'],
    },
    {
      name: 'a name that the user chooses',
      properties: { services: { additionalProperties: { properties: { on: { type: 'boolean', default: false } } } } },
      expected: ['#HOLDFAST__SERVICES__<NAME>__ON=false'],
    },
    { name: 'a list', properties: { secrets: { type: 'array' } }, expected: [] },
    { name: 'environments', properties: { environments: { properties: { a: { type: 'string' } } } }, expected: [] },
    { name: 'a reference', properties: { a: { $ref: '#/$defs/Text' } }, expected: ['#HOLDFAST__A=x'] },
  ])('has $name', ({ properties, expected }) => {
    expect(linesOf(properties, { Text: { type: 'string', default: 'x' } })).toEqual(expected);
  });

  it('says above each variable what it is', () => {
    const text = renderEnvironmentTemplate({ properties: { project: { type: 'string', description: 'Name of all' } } });

    expect(text).toContain('# Name of all\n#HOLDFAST__PROJECT=\n');
  });
});
