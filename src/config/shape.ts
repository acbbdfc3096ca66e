import { z } from 'zod';

/** A schema without what is around it: whether it may be left out, its default, whether it is a secret. */
export interface Shape {
  readonly inner: z.core.$ZodType;
  readonly optional: boolean;
  /** As the user would write it; undefined without one. */
  readonly defaultInput: unknown;
  readonly secret: boolean;
  readonly description: string | undefined;
}

/** Takes `.optional()`, `.prefault()` and their like off a schema, and reads its `.meta()`. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  let inner = schema;
  let optional = false;
  let defaultInput: unknown;
  let secret = false;
  let description: string | undefined;
  for (;;) {
    const meta = z.globalRegistry.get(inner);
    secret ||= meta?.['secret'] === true;
    description ??= meta?.description;
    if (inner instanceof z.ZodPrefault || inner instanceof z.ZodDefault) {
      optional = true;
      defaultInput ??= inner.def.defaultValue;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodOptional) {
      optional = true;
      inner = inner.def.innerType;
    } else if (inner instanceof z.ZodNullable || inner instanceof z.ZodReadonly) {
      inner = inner.def.innerType;
    } else {
      return { inner, optional, defaultInput, secret, description };
    }
  }
}

/** The discriminator's values with the option that each chooses. */
export function kindsOf(union: z.ZodDiscriminatedUnion): ReadonlyMap<string, z.ZodObject> {
  const kinds = new Map<string, z.ZodObject>();
  for (const option of union.options) {
    if (!(option instanceof z.ZodObject)) continue;
    const literal = option.shape[union.def.discriminator];
    if (literal instanceof z.ZodLiteral) for (const value of literal.values) kinds.set(String(value), option);
  }
  return kinds;
}

/** Keys that every map of this schema may have; none for a record, whose keys are the user's. */
export function knownKeys(schema: z.core.$ZodType): string[] {
  const { inner } = shapeOf(schema);
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape);
  if (inner instanceof z.ZodDiscriminatedUnion) return [...new Set([...kindsOf(inner).values()].flatMap(knownKeys))];
  return [];
}

/** The schemas that may stand at `key` of a map of this schema; several where the kind is not known. */
export function schemasAt(schema: z.core.$ZodType, key: string): z.core.$ZodType[] {
  const { inner } = shapeOf(schema);
  if (inner instanceof z.ZodObject) return Object.hasOwn(inner.shape, key) ? [inner.shape[key]] : [];
  if (inner instanceof z.ZodRecord) return [inner.valueType];
  if (inner instanceof z.ZodDiscriminatedUnion)
    return [...kindsOf(inner).values()].flatMap((kind) => schemasAt(kind, key));
  return [];
}

/** True when a list or a map stands here, or may. */
export function takesStructure(schema: z.core.$ZodType): boolean {
  const { inner } = shapeOf(schema);
  if (inner instanceof z.ZodUnion && !(inner instanceof z.ZodDiscriminatedUnion))
    return inner.options.some(takesStructure);
  return (
    inner instanceof z.ZodObject ||
    inner instanceof z.ZodRecord ||
    inner instanceof z.ZodArray ||
    inner instanceof z.ZodTuple ||
    inner instanceof z.ZodDiscriminatedUnion
  );
}
