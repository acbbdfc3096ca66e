import { join } from 'node:path';
import { z } from 'zod';
import { OutsideError } from '../core/errors.ts';
import { parseJson } from '../core/json-path.ts';
import type { Machine } from '../machines/machine.ts';

/** What a run is about to do: the first line of its journal. */
export const RunHeader = z.strictObject({
  schema: z.literal(1),
  line: z.literal('begin'),
  run: z.string(),
  kind: z.enum(['deploy', 'rollback']),
  /** The release that is brought live (deploy), or left (rollback). Undefined: nothing was live. */
  release: z.string().optional(),
  /** Where a rollback leads, or what was live before a deploy. Undefined: nothing. */
  previous: z.string().optional(),
  backup: z.string().optional(),
  /** Rollback only: whether the data goes back too. */
  data: z.enum(['restore', 'keep']).optional(),
  /** Only where a person restores a backup under the live release: the state that is put back. */
  sources: z.array(z.string()).optional(),
  actor: z.string(),
  at: z.string(),
});
export type RunHeader = z.infer<typeof RunHeader>;

export const RunLine = z.discriminatedUnion('line', [
  RunHeader,
  z.strictObject({ line: z.literal('intent'), step: z.string(), looks: z.literal(true).optional(), at: z.string() }),
  z.strictObject({
    line: z.literal('result'),
    step: z.string(),
    outcome: z.enum(['done', 'failed']),
    reason: z.string().optional(),
    message: z.string().optional(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
    at: z.string(),
  }),
  /** A decision that recovery must know of: from here on the release is good, whatever dies. */
  z.strictObject({ line: z.literal('mark'), mark: z.enum(['deployed', 'promoted', 'rolling-back']), at: z.string() }),
  z.strictObject({ line: z.literal('end'), outcome: z.enum(['finished', 'undone', 'unsafe']), at: z.string() }),
]);
export type RunLine = z.infer<typeof RunLine>;

/** One run as its journal tells it. */
export interface JournalRun {
  readonly header: RunHeader;
  readonly lines: readonly RunLine[];
  /** True once there is an `end`: what somebody who lost the lease wrote behind it opens nothing again. */
  readonly ended: boolean;
  /** Step that was begun and of which no result is known. */
  readonly inFlight: string | undefined;
  /** Steps whose result is `done`. */
  readonly done: ReadonlySet<string>;
  /** Steps that were at least begun. */
  readonly begun: ReadonlySet<string>;
  /** Those of them that do more than look. */
  readonly touching: ReadonlySet<string>;
  readonly marks: ReadonlySet<string>;
}

/** Lines without the moment, which the journal adds. */
export type NewLine = RunLine extends infer L ? (L extends { at: string } ? Omit<L, 'at'> : never) : never;

/** The story of every run on a target, one file a run, each line on disk before the next thing happens. */
export interface Journal {
  begin(header: Omit<RunHeader, 'schema' | 'line' | 'at'>): Promise<void>;
  write(run: string, line: NewLine): Promise<void>;
  read(run: string): Promise<JournalRun | undefined>;
  /** Runs that never ended, oldest first. */
  open(): Promise<JournalRun[]>;
}

export function openJournal(folder: string, machine: Machine): Journal {
  const pathOf = (run: string) => join(folder, `${run}.jsonl`);
  /** Runs whose file is known to end with a whole line. */
  const whole = new Set<string>();
  const stamp = async () => new Date(await machine.now()).toISOString();
  const journal: Journal = {
    async begin(header) {
      const line: RunHeader = { schema: 1, line: 'begin', ...header, at: await stamp() };
      const created = await machine.files.create(pathOf(header.run), `${JSON.stringify(line)}\n`, 0o600);
      if (!created) throw new Error(`the run ${header.run} has a journal already`);
    },
    async write(run, line) {
      const path = pathOf(run);
      const text = `${JSON.stringify({ ...line, at: await stamp() })}\n`;
      if (!whole.delete(run)) await cutTornLine(path, machine);
      await machine.files.append(path, text, 0o600);
      whole.add(run);
    },
    async read(run) {
      const bytes = await machine.files.read(pathOf(run));
      return bytes === undefined ? undefined : parseRun(bytes.toString('utf8'), pathOf(run));
    },
    async open() {
      const names = (await machine.files.list(folder)).filter((name) => name.endsWith('.jsonl'));
      const runs = await Promise.all(names.map((name) => journal.read(name.slice(0, -'.jsonl'.length))));
      const open = runs.filter((run) => run !== undefined).filter(({ ended }) => !ended);
      return open.sort((a, b) => (a.header.at < b.header.at ? -1 : 1));
    },
  };
  return journal;
}

/** What is appended to a torn line would be torn with it, and then be damage in the middle. */
async function cutTornLine(path: string, { files }: Machine): Promise<void> {
  const bytes = await files.read(path);
  if (bytes === undefined) return;
  const wholeBytes = bytes.lastIndexOf('\n') + 1;
  // A file of one line was created as a whole, and is damage when it is torn.
  if (wholeBytes > 0 && wholeBytes < bytes.length) await files.truncate(path, wholeBytes);
}

/**
 * A line that was being written when the machine died may be torn: the last one is then left out, because nothing was
 * done on its word yet. A torn line anywhere else is damage.
 */
export function parseRun(text: string, path: string): JournalRun {
  const raw = text.split('\n');
  const lines: RunLine[] = [];
  for (const [index, line] of raw.entries()) {
    if (line === '') continue;
    const parsed = RunLine.safeParse(parseJson(line)).data;
    if (parsed !== undefined) lines.push(parsed);
    else if (index !== raw.length - 1) {
      throw new OutsideError('journal-damaged', `line ${index + 1} of ${path} is not what Holdfast wrote`, {
        hint: 'Look at what runs with `holdfast status`, then move the file away.',
      });
    }
  }
  const header = lines[0];
  if (header?.line !== 'begin') {
    throw new OutsideError('journal-damaged', `${path} does not begin with a run`, { hint: 'Move the file away.' });
  }
  const done = new Set<string>();
  const begun = new Set<string>();
  const touching = new Set<string>();
  const marks = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const isBegun = line.line === 'intent' && !wasRefused(line.step, lines.slice(index + 1));
    if (isBegun) begun.add(line.step);
    if (isBegun && line.looks === undefined) touching.add(line.step);
    if (line.line === 'result' && line.outcome === 'done') done.add(line.step);
    if (line.line === 'mark') marks.add(line.mark);
  }
  const last = lines.at(-1);
  const inFlight = last?.line === 'intent' ? last.step : undefined;
  return { header, lines, ended: lines.some(({ line }) => line === 'end'), inFlight, done, begun, touching, marks };
}

/** Of a step that was never begun, because the lease was gone between its intent and its first act. */
export const REFUSED = { reason: 'lease-lost', message: 'somebody else took the lease over' } as const;

/** Whether the next that is said of the step is its refusal. Sites write into one journal, so it need not be the next line. */
function wasRefused(step: string, after: readonly RunLine[]): boolean {
  const next = after.find((line) => (line.line === 'intent' || line.line === 'result') && line.step === step);
  return next?.line === 'result' && next.reason === REFUSED.reason;
}
