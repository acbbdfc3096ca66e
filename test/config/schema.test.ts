import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { configurationSchema } from '../../src/config/schema.ts';
import { LONG, TEN_LINES } from './files.ts';

const schema = configurationSchema();

/** The paths at which a value breaks the schema: as much of JSON schema as ours uses. */
function violations(value: unknown, rules: unknown, path = '$'): string[] {
  if (!isObject(rules)) return rules === false ? [path] : [];
  const reference = rules['$ref'];
  if (typeof reference === 'string') return violations(value, resolve(reference), path);
  const found: string[] = [];
  const types = [rules['type'] ?? []].flat();
  if (types.length > 0 && !types.some((type) => hasType(value, String(type)))) return [path];
  const { enum: allowed, anyOf: options, pattern, minimum, maximum, minLength, minItems } = rules;
  if (Array.isArray(allowed) && !allowed.includes(value)) found.push(path);
  if (Array.isArray(options) && options.every((option) => violations(value, option, path).length > 0)) found.push(path);
  if (typeof value === 'string') {
    if (typeof pattern === 'string' && !new RegExp(pattern).test(value)) found.push(path);
    if (value.length < Number(minLength ?? 0)) found.push(path);
  }
  if (typeof value === 'number' && (value < Number(minimum ?? value) || value > Number(maximum ?? value)))
    found.push(path);
  if (Array.isArray(value)) {
    if (value.length < Number(minItems ?? 0)) found.push(path);
    const { prefixItems, items } = rules;
    const prefix: unknown[] = Array.isArray(prefixItems) ? prefixItems : [];
    for (const [index, item] of value.entries())
      found.push(...violations(item, prefix[index] ?? items, `${path}[${index}]`));
  } else if (isObject(value)) {
    const { properties, additionalProperties, required, propertyNames } = rules;
    for (const key of Array.isArray(required) ? required : [])
      if (!(String(key) in value)) found.push(`${path}.${key}`);
    for (const [key, member] of Object.entries(value)) {
      const below = `${path}.${key}`;
      if (isObject(propertyNames)) found.push(...violations(key, propertyNames, below));
      const own = isObject(properties) ? properties[key] : undefined;
      found.push(...violations(member, own ?? additionalProperties, below));
    }
  }
  return found;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

function resolve(reference: string): unknown {
  return reference
    .split('/')
    .slice(1)
    .reduce<unknown>((here, step) => (isObject(here) ? here[step] : undefined), schema);
}

describe('the JSON schema', () => {
  it.each([
    { name: 'ten lines', text: TEN_LINES },
    { name: 'one of everything', text: LONG },
    {
      name: 'a null that takes away',
      text: `${TEN_LINES}    services: { web: { health: null, run: { port: null } } }\n`,
    },
    {
      name: 'parts that only the environment has',
      text: 'version: 1\nservices: { web: { run: { port: 1 } } }\nenvironments: { local: { services: { web: { artifact: b } } } }',
    },
    {
      name: 'substitutions for numbers, words and durations',
      text: TEN_LINES.replace('3000', '"${PORT}", strategy: "${HOW}", stop: { timeout: "${WAIT}" }'),
    },
  ])('accepts $name', ({ text }) => {
    expect(violations(parse(text), schema)).toEqual([]);
  });

  it.each([
    { name: 'an unknown key', text: TEN_LINES.replace('port:', 'prot:'), expected: '$.services.web.run.prot' },
    {
      name: 'an unknown key of an overlay',
      text: `${TEN_LINES}    servces: {}\n`,
      expected: '$.environments.local.servces',
    },
    {
      name: 'a number that is too large',
      text: TEN_LINES.replace('3000', '70000'),
      expected: '$.services.web.run.port',
    },
    { name: 'text for a number', text: TEN_LINES.replace('3000', 'http'), expected: '$.services.web.run.port' },
    {
      name: 'an unknown word',
      text: TEN_LINES.replace('3000', '3000, strategy: sockets'),
      expected: '$.services.web.run.strategy',
    },
    {
      name: 'a duration without a unit',
      text: TEN_LINES.replace('/healthz', '/healthz, timeout: "30"'),
      expected: '$.services.web.health.timeout',
    },
    { name: 'a bad name', text: TEN_LINES.replace('web:', 'Web_App:'), expected: '$.services.Web_App' },
    {
      name: 'an unknown kind',
      text: TEN_LINES.replace('kind: directory', 'kind: heroku'),
      expected: '$.environments.local.target',
    },
    {
      name: 'a secret that is written out',
      text: LONG.replace('"${ALERT_KEY}"', 'a-key-of-sixteen-letters'),
      expected: '$.alerts.channels.ops',
    },
    {
      name: 'a route without channels',
      text: LONG.replace('- { send: [here] }', '- { on_failure: here }'),
      expected: '$.alerts.routes[1].send',
    },
    { name: 'no version', text: TEN_LINES.replace('version: 1', ''), expected: '$.version' },
  ])('refuses $name', ({ text, expected }) => {
    expect(violations(parse(text), schema)).toContain(expected);
  });

  it('says which draft it is, what keys mean, and what they are by default', () => {
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
    const run = JSON.stringify(resolve('#/$defs/services'));
    expect(run).toContain('"description":"What is deployed, by name"');
    expect(run).toContain('"default":"restart"');
    expect(run).toContain('"default":"60s"');
  });

  it('has no reference that leads nowhere', () => {
    const references = [...JSON.stringify(schema).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');

    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((reference) => resolve(reference) === undefined)).toEqual([]);
  });
});
