import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { z } from 'zod';

/** One operation that GitHub describes, met at a path. */
export interface Operation {
  /** For example `GET /repos/{owner}/{repo}`. */
  readonly name: string;
  /** What stands in the path, decoded, by name. */
  readonly path: Readonly<Record<string, string>>;
  /** What GitHub would not take of this request; empty when it is as described. */
  problemsOfRequest(request: { readonly query: URLSearchParams; readonly body: unknown }): string[];
  /** What GitHub would not answer; `body` is undefined where there is none. */
  problemsOfAnswer(answer: { readonly status: number; readonly body: unknown }): string[];
}

type Schema = Record<string, unknown>;

const Reference = z.object({ $ref: z.string() });
const Parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().optional(),
  schema: z.record(z.string(), z.unknown()),
});
const Content = z.object({ content: z.record(z.string(), z.object({ schema: z.unknown() })).optional() });
const Described = z.object({
  parameters: z.array(z.unknown()).prefault([]),
  requestBody: z.looseObject({ required: z.boolean().optional() }).optional(),
  responses: z.record(z.string(), z.unknown()),
});
type Described = z.infer<typeof Described>;
const Description = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.record(z.string(), z.record(z.string(), z.unknown())),
});
type Description = z.infer<typeof Description>;

interface Template {
  /** `/repos/{owner}/{repo}` */
  readonly template: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  /** What is described there, by method. */
  readonly item: Record<string, unknown>;
}

/** Also met where an operation does not list them: any of GitHub's answers to what it refuses or cannot do. */
const REFUSAL = '#/components/schemas/basic-error';
const JSON_TYPE = /^application\/(?:.*\+)?json/;

/** GitHub's own description of its API, as it is published for clients. Read once. */
let description: Description | undefined;
let templates: readonly Template[] | undefined;
const ajv = new Ajv({ strict: false, allErrors: true, formats: { timestamp: true, 'repo.nwo': true } });
formats.default(ajv);
const validators = new Map<string, ValidateFunction>();

/** Finds what GitHub describes for a method and a path such as `/repos/acme/shop`; undefined where it describes nothing. */
export function findOperation(method: string, path: string): Operation | undefined {
  description ??= readDescription();
  templates ??= Object.entries(description.paths).map(([template, item]) => ({ ...compileTemplate(template), item }));
  const met = templates
    .filter(({ item, pattern }) => method.toLowerCase() in item && pattern.test(path))
    // `/artifacts/{id}` and `/artifacts/latest` may both be there: the one with fewer names is meant.
    .sort((a, b) => a.names.length - b.names.length)[0];
  if (met === undefined) return undefined;
  const match = met.pattern.exec(path) ?? [];
  const values = Object.fromEntries(met.names.map((name, i) => [name, decodeURIComponent(match[i + 1] ?? '')]));
  return operationOf(`${method} ${met.template}`, Described.parse(met.item[method.toLowerCase()]), values, met.item);
}

function readDescription(): Description {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
  return Description.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** The path of a file may hold slashes, and may be left out with the slash before it; templates do not say so. */
function compileTemplate(template: string): Pick<Template, 'template' | 'pattern' | 'names'> {
  const names: string[] = [];
  const pattern = template.replaceAll(/\/\{(\w+)\}/g, (_, name: string) => {
    names.push(name);
    return name === 'path' ? '(?:/(.*))?' : '/([^/]+)';
  });
  return { template, names, pattern: new RegExp(`^${pattern}$`) };
}

function operationOf(
  name: string,
  described: Described,
  path: Record<string, string>,
  item: Record<string, unknown>,
): Operation {
  const shared = z.array(z.unknown()).safeParse(item['parameters']).data ?? [];
  const parameters = [...shared, ...described.parameters].map((parameter) => Parameter.parse(follow(parameter)));
  return {
    name,
    path,
    problemsOfRequest: ({ query, body }) => [
      ...parameters.flatMap((parameter) => problemsOfParameter(name, parameter, path, query)),
      ...[...query.keys()]
        .filter((key) => !parameters.some((parameter) => parameter.in === 'query' && parameter.name === key))
        .map((key) => `${name}: GitHub knows no query parameter "${key}"`),
      ...problemsOfBody(name, described.requestBody, body),
    ],
    problemsOfAnswer: ({ status, body }) => problemsOfAnswer(name, described, status, body),
  };
}

function problemsOfParameter(
  operation: string,
  { name, in: place, required, schema }: z.infer<typeof Parameter>,
  path: Readonly<Record<string, string>>,
  query: URLSearchParams,
): string[] {
  if (place === 'header') return [];
  const text = place === 'path' ? path[name] : (query.get(name) ?? undefined);
  if (text === undefined) return required === true ? [`${operation}: the parameter "${name}" is required`] : [];
  const value = ['integer', 'number', 'boolean'].includes(String(schema['type'])) ? asJson(text) : text;
  return judge(`${operation} parameter ${name}`, schema, value);
}

function problemsOfBody(operation: string, described: Described['requestBody'], body: unknown): string[] {
  if (described === undefined) {
    return body === undefined ? [] : [`${operation}: GitHub takes no body here`];
  }
  const schema = schemaOf(described);
  if (body === undefined) return described.required === true ? [`${operation}: a body is required`] : [];
  if (schema === undefined) return [];
  return [...judge(`${operation} body`, schema, body), ...misspelt(operation, schema, body)];
}

/** GitHub ignores keys that it does not know; whoever writes one is mistaken. */
function misspelt(operation: string, schema: unknown, body: unknown): string[] {
  const properties = z.object({ properties: z.record(z.string(), z.unknown()) }).safeParse(follow(schema))
    .data?.properties;
  const given = z.record(z.string(), z.unknown()).safeParse(body).data;
  if (properties === undefined || given === undefined) return [];
  return Object.keys(given)
    .filter((key) => !(key in properties))
    .map((key) => `${operation} body: GitHub knows no "${key}"`);
}

function problemsOfAnswer(operation: string, described: Described, status: number, body: unknown): string[] {
  const answer = described.responses[String(status)];
  if (answer === undefined) {
    if (status < 400) return [`${operation}: GitHub describes no answer with status ${status}`];
    return judge(`${operation} ${status}`, { $ref: REFUSAL }, body);
  }
  const schema = schemaOf(follow(answer));
  if (schema === undefined || body === undefined) return [];
  return judge(`${operation} ${status}`, schema, body);
}

function schemaOf(holder: unknown): unknown {
  const { content = {} } = Content.parse(holder);
  return Object.entries(content).find(([type]) => JSON_TYPE.test(type))?.[1].schema;
}

function judge(what: string, schema: unknown, value: unknown): string[] {
  const key = JSON.stringify(schema);
  const validate = validators.get(key) ?? ajv.compile(standAlone(schema));
  validators.set(key, validate);
  if (validate(value)) return [];
  return (validate.errors ?? [])
    .slice(0, 5)
    .map((e) => `${what}${e.instancePath} ${e.message ?? 'is not as described'}`);
}

/** A schema that brings what it refers to, with `nullable` of OpenAPI 3.0 told as a JSON schema tells it. */
function standAlone(schema: unknown): Schema {
  const definitions: Record<string, unknown> = {};
  const pending: string[] = [];
  const root = translate(schema, pending);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name in definitions) continue;
    definitions[name] = {};
    definitions[name] = translate(description?.components['schemas']?.[name], pending);
  }
  return { allOf: [root], definitions };
}

const SCHEMAS = '#/components/schemas/';
/** Told to readers; an example may even contradict its schema. */
const REMARKS = ['example', 'examples', 'description', 'externalDocs', 'deprecated', 'discriminator', 'xml', 'default'];
const LITERAL = ['enum', 'const', 'required'];

function translate(node: unknown, pending: string[]): unknown {
  if (Array.isArray(node)) return node.map((child) => translate(child, pending));
  const map = z.record(z.string(), z.unknown()).safeParse(node).data;
  if (map === undefined) return node;
  const reference = Reference.safeParse(map).data;
  if (reference !== undefined) {
    const name = reference.$ref.slice(SCHEMAS.length);
    pending.push(name);
    return { $ref: `#/definitions/${name}` };
  }
  const { nullable, ...rest } = map;
  const kept = Object.entries(rest).filter(([key]) => !REMARKS.includes(key));
  const plain = Object.fromEntries(kept.map(([key, child]) => [key, translateMember(key, child, pending)]));
  const also = [
    ...(nullable === true ? [{ type: 'null' }] : []),
    // What stands there by default is allowed, even where it is no address.
    ...(rest['default'] === '' ? [{ const: '' }] : []),
  ];
  return also.length === 0 ? plain : { anyOf: [plain, ...also] };
}

function translateMember(key: string, child: unknown, pending: string[]): unknown {
  if (LITERAL.includes(key)) return child;
  if (key !== 'properties') return translate(child, pending);
  // Names of properties, which may be those of keywords.
  const properties = z.record(z.string(), z.unknown()).parse(child);
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, translate(schema, pending)]));
}

/** What a reference of the description means; anything else as it is. */
function follow(node: unknown): unknown {
  const reference = Reference.safeParse(node).data;
  if (reference === undefined) return node;
  const [, , kind = '', name = ''] = reference.$ref.split('/');
  return description?.components[kind]?.[name];
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
