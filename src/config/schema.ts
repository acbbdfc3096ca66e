import { z } from 'zod';
import { EnvironmentSettings, FileHeader } from './configuration.ts';

/** A JSON schema, as far as it is changed here. */
type JsonSchema = { [key: string]: unknown };

/**
 * The JSON schema (2020-12) of a whole holdfast.yml, for editors. It accepts each file that loads: an environment is
 * laid over the rest of the file, so what is missing in one may stand in the other, and every part of both may be left
 * out or be null. What is missing in the end, and what does not fit together, `config check` tells.
 */
export function configurationSchema(): JsonSchema {
  const { target, ...overlayable } = EnvironmentSettings.shape;
  const whole = z.strictObject({ ...FileHeader.shape, ...overlayable, target });
  const generated = asObject(z.toJSONSchema(whole, { io: 'input' }));
  const properties = asObject(generated['properties']);
  const headerNames = Object.keys(FileHeader.shape);
  const parts = Object.keys(whole.shape).filter((name) => !headerNames.includes(name));
  const references = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }]));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Holdfast configuration',
    type: 'object',
    properties: {
      ...Object.fromEntries(headerNames.map((name) => [name, tidy(properties[name])])),
      ...references(Object.keys(overlayable)),
      environments: {
        type: 'object',
        description: 'Where releases run, by name; each names at least its target',
        propertyNames: asObject(asObject(properties['services'])['propertyNames']),
        additionalProperties: {
          type: ['object', 'null'],
          description: 'Laid over the rest of the file: maps merge, lists replace, null takes away',
          properties: references(parts),
          additionalProperties: false,
        },
        minProperties: 1,
      },
    },
    required: ['version', 'environments'],
    additionalProperties: false,
    $defs: {
      ...asObject(generated['$defs']),
      ...Object.fromEntries(parts.map((part) => [part, loosen(properties[part], 'merged')])),
    },
  };
}

/**
 * `merged`: part of what is laid over one another, so nothing is required and null takes away.
 * `whole`: inside of a list, which is replaced as a whole.
 */
type Mode = 'merged' | 'whole';

function loosen(value: unknown, mode: Mode): JsonSchema {
  const schema = tidy(value);
  if (schema['secret'] === true) return secret(schema, mode);
  const { required, oneOf, anyOf, properties, additionalProperties, items, prefixItems, ...rest } = schema;
  const options = oneOf ?? anyOf;
  if (Array.isArray(options)) {
    const loosened = options.map((option) => loosen(option, mode));
    return { ...rest, anyOf: mode === 'merged' ? [...loosened, { type: 'null' }] : loosened };
  }
  if (schema['type'] === 'object') {
    const isOpen = typeof additionalProperties !== 'object';
    return {
      ...rest,
      ...withNull(schema, mode),
      ...(properties === undefined ? {} : { properties: mapValues(properties, (member) => loosen(member, mode)) }),
      additionalProperties: isOpen ? (additionalProperties ?? true) : loosen(additionalProperties, mode),
      ...(mode === 'whole' && required !== undefined ? { required } : {}),
    };
  }
  if (schema['type'] === 'array') {
    return {
      ...rest,
      ...withNull(schema, mode),
      ...(Array.isArray(prefixItems) ? { prefixItems: prefixItems.map((item) => loosen(item, 'whole')) } : {}),
      ...(items === undefined ? {} : { items: loosen(items, 'whole') }),
    };
  }
  return single(schema, mode);
}

/** Text that the loader will replace stands for any single value, save the one that decides which keys there are. */
const SUBSTITUTION = '\\$\\{';

function single(schema: JsonSchema, mode: Mode): JsonSchema {
  const { enum: allowed, const: fixed, pattern, maxLength: _, format: __, ...rest } = schema;
  const nothing = mode === 'merged' ? [null] : [];
  if ('const' in schema) return { ...rest, ...withNull(schema, mode), enum: [fixed, ...nothing] };
  if (Array.isArray(allowed)) {
    return {
      ...rest,
      ...withNull(schema, mode),
      anyOf: [{ enum: [...allowed, ...nothing] }, { pattern: SUBSTITUTION, type: 'string' }],
    };
  }
  if (typeof schema['type'] !== 'string') return schema;
  if (schema['type'] !== 'string') {
    return { ...rest, type: [schema['type'], 'string', ...(mode === 'merged' ? ['null'] : [])], pattern: SUBSTITUTION };
  }
  const either = pattern === undefined ? {} : { pattern: `(?:${pattern})|${SUBSTITUTION}` };
  return { ...rest, ...withNull(schema, mode), ...either };
}

function secret(schema: JsonSchema, mode: Mode): JsonSchema {
  const about = typeof schema['description'] === 'string' ? `${schema['description']}. ` : '';
  return {
    description: `${about}A secret: "\${NAME}" with the name listed under secrets, never the value itself`,
    ...withNull({ type: 'string' }, mode),
    pattern: '\\$\\{[A-Za-z_]',
  };
}

function withNull({ type }: JsonSchema, mode: Mode): JsonSchema {
  if (typeof type !== 'string') return {};
  return { type: mode === 'merged' ? [type, 'null'] : type };
}

/** Without what says nothing: limits that are those of the number type. */
function tidy(value: unknown): JsonSchema {
  const isLimit = (key: string) => key === 'maximum' || key === 'minimum';
  const entries = Object.entries(asObject(value)).filter(
    ([key, limit]) => !(isLimit(key) && Math.abs(Number(limit)) === Number.MAX_SAFE_INTEGER),
  );
  return Object.fromEntries(entries);
}

function asObject(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function mapValues(object: unknown, change: (value: unknown) => JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(asObject(object)).map(([key, value]) => [key, change(value)]));
}
