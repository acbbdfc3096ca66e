import { z } from 'zod';
import { UserError } from '../core/errors.ts';

/** One input of an action as the command line takes it. */
export interface Flag {
  /** The name of the input. */
  readonly name: string;
  /** `switch` is there or not; `list` may be given several times. */
  readonly form: 'switch' | 'value' | 'list';
  readonly numeric: boolean;
  readonly required: boolean;
  readonly description: string;
  /** What help shows for the value: `REASON`. */
  readonly placeholder: string;
  readonly allowed: readonly string[];
  readonly fallback: string | number | boolean | undefined;
}

/** What `z.toJSONSchema` says of one property, as far as a flag needs it. */
const Property = z.looseObject({
  type: z.string().optional(),
  description: z.string().optional(),
  placeholder: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
});

const ObjectSchema = z.looseObject({
  properties: z.record(z.string(), Property).prefault({}),
  required: z.array(z.string()).prefault([]),
});

/** The flags of an action's inputs, in the order of the schema; `.meta({ description, placeholder })` reaches help. */
export function flagsOf(inputs: z.ZodObject): readonly Flag[] {
  const schema = ObjectSchema.parse(z.toJSONSchema(inputs, { io: 'input', unrepresentable: 'any' }));
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    form: property.type === 'boolean' ? 'switch' : property.type === 'array' ? 'list' : 'value',
    numeric: property.type === 'integer' || property.type === 'number',
    required: schema.required.includes(name),
    description: property.description ?? '',
    placeholder: property.placeholder ?? name.toUpperCase(),
    allowed: (property.enum ?? []).map(String),
    fallback: fallbackOf(property.default),
  }));
}

function fallbackOf(value: unknown): Flag['fallback'] {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/**
 * Inputs as the action takes them. `given` holds text, lists of text and booleans by input name, as typed.
 * Throws one UserError `inputs` that names every problem by flag.
 */
export function parseInputs(
  action: { readonly name: string; readonly inputs: z.ZodObject; readonly positional?: readonly string[] },
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const flags = flagsOf(action.inputs);
  const numbers = Object.fromEntries(flags.filter(({ numeric }) => numeric).map(({ name }) => [name, true]));
  const values = Object.entries(given).map(([name, value]) => [name, numbers[name] ? asNumber(value) : value] as const);
  const parsed = action.inputs.safeParse(Object.fromEntries(values));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '');
    const shown = action.positional?.includes(name) ? name.toUpperCase() : `--${name}`;
    if (given[name] === undefined) return `${shown} is missing`;
    return `${shown} ${JSON.stringify(given[name])}: ${lowerFirst(issue.message)}`;
  });
  throw new UserError('inputs', `${action.name}: ${problems.join('; ')}`, {
    hint: `See "holdfast ${action.name} --help".`,
  });
}

function asNumber(value: unknown): unknown {
  if (typeof value !== 'string' || value.trim() === '') return value;
  const number = Number(value);
  return Number.isNaN(number) ? value : number;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
