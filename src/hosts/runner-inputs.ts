import { z } from 'zod';
import type { Admission } from '../core/admission.ts';
import { UserError } from '../core/errors.ts';
import { parseJson } from '../core/json-path.ts';
import type { GithubAction } from './github-action.ts';
import { type Flag, flagsOf } from './inputs.ts';

const Variables = z.record(z.string(), z.string());

/** The inputs that every action has on GitHub, beside its own. */
export const CommonInputs = z.strictObject({
  environment: z
    .string()
    .optional()
    .meta({ description: 'Where it happens; by default the only environment there is, else "local"' }),
  config: z.string().prefault('holdfast.yml').meta({ description: 'The configuration file' }),
  set: z
    .array(z.string())
    .prefault([])
    .meta({ description: 'Values of the configuration to set, one "key=value" per line' }),
  'working-directory': z.string().prefault('.').meta({ description: 'The folder in which relative paths start' }),
  secrets: z.string().prefault('').meta({
    description: 'The secrets that the configuration lists: a YAML map of each name to what toJSON makes of its value',
  }),
  variables: z
    .string()
    .prefault('{}')
    .meta({ description: 'The variables that the configuration lists: what toJSON makes of vars' }),
  admitted: z.string().prefault('').meta({
    description:
      'The output `record` of the step `authorize` of an earlier job: what it found is held against what follows',
  }),
  'github-token': z.string().prefault('').meta({
    description: 'Asks GitHub: reads the policy of the default branch, and what GitHub keeps of runs and deployments',
  }),
});

/** Their forms, known without making a JSON schema of them: every step pays for what is done here. */
const COMMON_FORMS = Object.keys(CommonInputs.shape)
  .filter((name) => name !== 'secrets')
  .map((name) => ({ name, form: name === 'set' ? ('list' as const) : ('value' as const), numeric: false }));

/** Inputs of the command line that mean nothing where nobody can be asked. */
const ANSWERED: Readonly<Record<string, unknown>> = { yes: true };

export interface RunnerInputs {
  readonly environment: string | undefined;
  readonly config: string;
  readonly set: readonly string[];
  readonly workingDirectory: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly githubToken: string;
  /** What the job `admit` found; undefined where there was none. */
  readonly admission: Admission | undefined;
  /** As the action takes them. */
  readonly own: Record<string, unknown>;
}

/** The inputs of an action that a workflow may name, in order, `secrets` included. */
export function inputsOnGithub(action: Pick<GithubAction, 'inputs'>): readonly Flag[] {
  const own = flagsOf(action.inputs).filter(({ name }) => !(name in ANSWERED));
  const common = flagsOf(CommonInputs);
  const [environment, ...rest] = common;
  return [...(environment === undefined ? [] : [environment]), ...own, ...rest];
}

/**
 * Reads all inputs but `secrets`, which were taken before. An input that is empty counts as not given.
 * Throws one UserError `inputs` that names every problem by input.
 */
export async function readInputs(action: GithubAction, take: (name: string) => string): Promise<RunnerInputs> {
  const problems: string[] = [];
  const given = new Map<string, unknown>();
  const own = flagsOf(action.inputs).filter(({ name }) => !(name in ANSWERED));
  for (const flag of [...COMMON_FORMS, ...own]) {
    const text = take(flag.name);
    if (text.trim() !== '') given.set(flag.name, readValue(flag, text, problems));
  }
  const pick = (shape: object) => Object.fromEntries([...given].filter(([name]) => name in shape));
  const common = CommonInputs.safeParse(pick(CommonInputs.shape));
  const answered = Object.fromEntries(Object.entries(ANSWERED).filter(([name]) => name in action.inputs.shape));
  const parsed = action.inputs.safeParse({ ...pick(action.inputs.shape), ...answered });
  const variables = Variables.safeParse(parseJson(common.data?.variables ?? '{}')).data;
  if (variables === undefined) problems.push('variables: expected a JSON object of texts, like ${{ toJSON(vars) }}');
  for (const issue of [...(common.error?.issues ?? []), ...(parsed.error?.issues ?? [])]) {
    const name = String(issue.path[0] ?? '');
    if (problems.some((problem) => problem.startsWith(`${name} `))) continue;
    const message = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
    problems.push(given.has(name) ? `${name} ${JSON.stringify(given.get(name))}: ${message}` : `${name} is missing`);
  }
  if (problems.length > 0 || common.data === undefined || parsed.data === undefined || variables === undefined) {
    throw new UserError('inputs', `${action.name}: ${problems.join('; ')}`, {
      hint: 'Correct the inputs under "with:" of this step.',
    });
  }
  const { environment, config, set } = common.data;
  return {
    environment,
    config,
    set,
    workingDirectory: common.data['working-directory'],
    variables,
    githubToken: common.data['github-token'],
    admission: await readAdmission(common.data.admitted),
    own: parsed.data,
  };
}

/** Loaded where there is something to read: most steps are not part of a chain of jobs. */
async function readAdmission(text: string): Promise<Admission | undefined> {
  if (text === '') return undefined;
  const { readHandover } = await import('../core/handover.ts');
  const { Admission: Found } = await import('../core/admission.ts');
  const found = Found.safeParse(readHandover(text, 'admitted')?.record);
  if (found.success) return found.data;
  throw new UserError('inputs', 'admitted: this is not what the step `authorize` of an earlier job handed on', {
    hint: 'Pass it as it is: ${{ needs.admit.outputs.authorize }}',
  });
}

function readValue(flag: Pick<Flag, 'name' | 'form' | 'numeric'>, text: string, problems: string[]): unknown {
  const trimmed = text.trim();
  if (flag.form === 'list') {
    return text
      .split(/\r\n|\r|\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }
  if (flag.form === 'switch') {
    if (/^(?:true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
    problems.push(`${flag.name} ${JSON.stringify(trimmed)}: expected true or false`);
    return undefined;
  }
  return flag.numeric && !Number.isNaN(Number(trimmed)) ? Number(trimmed) : trimmed;
}
