import { z } from 'zod';
import { duration } from '../core/duration.ts';
import { Layer, Severity } from '../core/finding.ts';
import { Name } from '../core/names.ts';

const HeaderName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'expected the name of an HTTP header' });

const HttpCall = {
  service: Name.optional().meta({ description: 'The service to ask; by default the only one that has a port' }),
  port: Name.optional().meta({ description: 'The name of the port; the first one by default' }),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    .prefault('GET')
    .meta({ description: 'The HTTP method' }),
  path: z.string().startsWith('/').meta({ description: 'What is asked for, with its query' }),
  headers: z.record(HeaderName, z.string()).prefault({}).meta({ description: 'Headers that are sent' }),
  body: z.json().optional().meta({ description: 'Sent as JSON; a text is sent as it is' }),
} as const;

/** How a probe logs in, so that checks can ask as somebody. */
export const LoginSettings = z.strictObject({
  ...HttpCall,
  method: HttpCall.method.prefault('POST'),
  token: z.string().startsWith('$.').meta({ description: 'Where in the JSON answer the token stands, like $.token' }),
});
export type LoginSettings = z.infer<typeof LoginSettings>;

export const Expectation = z.strictObject({
  status: z
    .union([z.int().min(100).max(599), z.array(z.int().min(100).max(599)).min(1)])
    .optional()
    .meta({ description: 'One status or a list; any below 400 by default' }),
  json: z
    .record(z.string().startsWith('$'), z.json())
    .prefault({})
    .meta({ description: 'Paths like $.status with the value that must stand there' }),
  contains: z.string().optional().meta({ description: 'Text that the answer must hold' }),
  headers: z.record(HeaderName, z.string()).prefault({}).meta({ description: 'Headers that must have this value' }),
});
export type Expectation = z.infer<typeof Expectation>;

export const HttpCheckSettings = z.strictObject({
  kind: z.literal('http'),
  layer: z
    .enum(['application', 'security', 'pipeline', 'infrastructure'])
    .prefault('application')
    .meta({ description: 'The layer that it belongs to' }),
  severity: Severity.prefault('high').meta({ description: 'How bad it is when it fails' }),
  ...HttpCall,
  as: Name.optional().meta({ description: 'A name of validate.logins: its token is sent as Bearer' }),
  expect: Expectation.prefault({}),
  attempts: z
    .int()
    .min(1)
    .max(20)
    .prefault(3)
    .meta({ description: 'Tries when no answer comes at all; an HTTP answer is judged at once' }),
  timeout: duration().prefault('5s').meta({ description: 'An answer that takes longer is none' }),
  latency: z
    .boolean()
    .prefault(true)
    .meta({ description: 'Whether its response time is compared with the baseline (GET and HEAD only)' }),
});
export type HttpCheckSettings = z.infer<typeof HttpCheckSettings>;

export const CommandCheckSettings = z.strictObject({
  kind: z.literal('command'),
  layer: Layer.exclude(['compliance', 'release', 'performance'])
    .prefault('application')
    .meta({ description: 'The layer that it belongs to' }),
  severity: Severity.prefault('high').meta({ description: 'How bad it is when it fails' }),
  service: Name.optional().meta({ description: 'Gets the environment of this service' }),
  command: z.tuple([z.string().min(1)], z.string()).meta({ description: 'Ends with 0 when all is well' }),
  timeout: duration().prefault('30s').meta({ description: 'The command is ended after this time' }),
});
export type CommandCheckSettings = z.infer<typeof CommandCheckSettings>;

export const CheckSettings = z.discriminatedUnion('kind', [HttpCheckSettings, CommandCheckSettings]);
export type CheckSettings = z.infer<typeof CheckSettings>;

export const PerformanceSettings = z.strictObject({
  samples: z.int().min(5).max(1000).prefault(20).meta({ description: 'Requests per endpoint' }),
  slower: z
    .number()
    .min(1)
    .prefault(2)
    .meta({ description: 'Fails when the median is more than this many times the one of the baseline …' }),
  floor: duration().prefault('50ms').meta({ description: '… and at least this much above it' }),
  limit: duration()
    .prefault('5s')
    .meta({ description: 'Fails when the median is above this, with or without a baseline' }),
});
export type PerformanceSettings = z.infer<typeof PerformanceSettings>;

export const ValidateSettings = z.strictObject({
  required: z
    .array(z.enum(['infrastructure', 'application', 'pipeline', 'security', 'performance', 'database', 'cache']))
    .optional()
    .meta({
      description: 'Layers in which "could not look" stops a release; by default each that has checks, but performance',
    }),
  logins: z.record(Name, LoginSettings).prefault({}),
  checks: z.record(Name, CheckSettings).prefault({}),
  performance: PerformanceSettings.prefault({}),
  baseline: z
    .strictObject({
      from: Name.optional().meta({ description: 'The environment whose baseline counts; its own by default' }),
    })
    .prefault({}),
});
export type ValidateSettings = z.infer<typeof ValidateSettings>;
