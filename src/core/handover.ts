import { z } from 'zod';
import { UserError } from './errors.ts';
import { parseJson } from './json-path.ts';
import { Decision, Subject } from './report.ts';

/** What a step of a workflow hands on as its output `record`: its report, as far as it is small. */
export const Handover = z.object({
  action: z.string(),
  subject: Subject,
  decision: Decision,
  reason: z.string(),
  summary: z.string().prefault(''),
  /** What somebody has to do, where it stopped. */
  remedy: z.string().optional(),
  tookMs: z.number().prefault(0),
  record: z.record(z.string(), z.unknown()).prefault({}),
});
export type Handover = z.infer<typeof Handover>;

const Outputs = z
  .record(z.string(), z.string())
  .nullable()
  .prefault({})
  .transform((all) => Object.fromEntries(Object.entries(all ?? {}).filter(([, text]) => !isUnset(text))));

/** What GitHub makes of `toJSON(steps)`, as far as it is read. */
const StepsContext = z.record(z.string(), z.object({ outcome: z.string().prefault(''), outputs: Outputs }));
/** What GitHub makes of `toJSON(needs)`. */
const NeedsContext = z.record(z.string(), z.object({ result: z.string(), outputs: Outputs }));
export type JobNeeded = z.infer<typeof NeedsContext>[string];

/**
 * The names under which the steps of our workflows hand on, in the order in which they come. JSON of GitHub keeps an order
 * that nobody promises.
 */
export const STEP_ORDER: readonly string[] = [
  'build',
  'authorize',
  'backup',
  'deploy',
  'validate',
  'compliance',
  'promote',
  'rollback',
  'recover',
];

/** A step that went before in the same job. `handover` is undefined of one that died, was skipped or said nothing. */
export interface StepBefore {
  readonly name: string;
  /** `success`, `failure`, `cancelled` or `skipped`. */
  readonly outcome: string;
  readonly handover: Handover | undefined;
}

/** Reads the input that holds what one step handed on; undefined when it is empty. Throws UserError `inputs`. */
export function readHandover(text: string | undefined, input: string): Handover | undefined {
  if (text === undefined || text.trim() === '' || isUnset(text)) return undefined;
  const found = parse(Handover, text);
  if (found !== undefined) return found;
  throw new UserError('inputs', `${input}: expected the output "record" of an earlier step`, {
    hint: 'Pass it as it is: ${{ steps.NAME.outputs.record }}',
  });
}

/** Reads an input that holds `toJSON(steps)`, in the order of the steps. Throws UserError `inputs`. */
export function readSteps(text: string, input: string): StepBefore[] {
  const found = parse(StepsContext, text);
  if (found === undefined) throw notContext(input, 'steps');
  return Object.entries(found)
    .sort(byOrder)
    .map(([name, { outcome, outputs }]) => ({
      name,
      outcome,
      handover: parse(Handover, outputs['record'] ?? ''),
    }));
}

/** Reads an input that holds `toJSON(needs)`, by job. Throws UserError `inputs`. */
export function readNeeds(text: string, input: string): Readonly<Record<string, JobNeeded>> {
  const found = parse(NeedsContext, text);
  if (found === undefined) throw notContext(input, 'needs');
  return found;
}

/** The handovers that a job has as outputs, by name of the output, in the order of the steps; other outputs are passed over. */
export function handoversOf({ outputs }: JobNeeded): readonly (readonly [string, Handover])[] {
  const found = Object.entries(outputs).flatMap(([name, text]): [string, Handover][] => {
    const handover = parse(Handover, text);
    return handover === undefined ? [] : [[name, handover]];
  });
  return found.sort(byOrder);
}

/** Those that are not ours stay where they were, behind ours. */
function byOrder([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  const placeOf = (name: string) => {
    const place = STEP_ORDER.indexOf(name);
    return place < 0 ? STEP_ORDER.length : place;
  };
  return placeOf(one) - placeOf(other);
}

/** On some runners the outputs of a job that was skipped stay the text of their expressions. */
function isUnset(text: string): boolean {
  return text.startsWith('${{');
}

function notContext(input: string, context: string): UserError {
  return new UserError('inputs', `${input}: expected what toJSON makes of the context ${context}`, {
    hint: `Pass it as it is: \${{ toJSON(${context}) }}`,
  });
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  return schema.safeParse(parseJson(text)).data;
}
