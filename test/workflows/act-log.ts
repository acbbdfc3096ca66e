import { z } from 'zod';

/** One line of act's JSON log. */
export const Entry = z.object({
  /** Padded with blanks in the log; not here. */
  job: z.string().transform((text) => text.trim()),
  jobID: z.string(),
  msg: z.string().prefault(''),
  level: z.string().prefault(''),
  step: z.string().optional(),
  stepID: z.array(z.string()).optional(),
  stage: z.string().optional(),
  stepResult: z.string().optional(),
  jobResult: z.string().optional(),
  command: z.string().optional(),
  content: z.string().optional(),
});
export type Entry = z.infer<typeof Entry>;

export interface StepResult {
  /** The job's own key in its workflow. */
  readonly job: string;
  /** `Pre`, `Main` or `Post`. */
  readonly stage: string;
  /** The `id` of the step, or its number from 0. */
  readonly step: string;
  readonly result: string;
}

/** Reads one line; undefined for what act says that is not about a job. */
export function parseEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return Entry.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** The steps of all jobs, in the order in which they ended. */
export function stepsOf(entries: readonly Entry[]): StepResult[] {
  return entries.flatMap(({ jobID, stage, stepID, stepResult }) => {
    const step = stepID?.at(-1);
    if (stepResult === undefined || stage === undefined || step === undefined) return [];
    return [{ job: jobID, stage, step, result: stepResult }];
  });
}

/** The summaries that steps wrote, in their order. */
export function summariesOf(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ command, content }) => (command === 'summary' && content ? [content] : []));
}

/**
 * What a reader of the run's page would see, without what act says of itself. The commands that ask for a mask hold the secret by nature: a runner takes
 * them and shows nothing, act shows them.
 */
export function visibleTextOf(entries: readonly Entry[]): string {
  return entries
    .filter(({ msg, command, level }) => level !== 'debug' && command !== 'add-mask' && !msg.includes('::add-mask::'))
    .map(({ jobID, msg, content }) => `[${jobID}] ${msg.trimEnd()}${content === undefined ? '' : `\n${content}`}`)
    .join('\n');
}

/** Jobs that act left out because it maps no machine to their label; on GitHub they would wait for ever. */
export function unmappedJobsOf(entries: readonly Entry[]): string[] {
  return entries.filter(({ msg }) => msg.includes('Skipping unsupported platform')).map(({ jobID }) => jobID);
}
