import pc from 'picocolors';
import { formatDuration } from '../core/duration.ts';
import type { Log, StepLog } from '../platform/log.ts';
import { cleanText, defuseCommands, oneLine } from '../report/text.ts';
import { padWidth } from '../report/width.ts';
import { type LiveLines, liveLines, type TerminalStream } from './live-lines.ts';
import { describeProgress } from './progress.ts';
import { NAME_COLUMNS, type OpenStep, progressLine, spinnerAt } from './progress-line.ts';

export interface TerminalLogOptions {
  readonly stream: TerminalStream;
  /** Whether lines can be redrawn; otherwise everything is plain lines with the time, without control characters. */
  readonly isTerminal: boolean;
  readonly colour: boolean;
  /** Columns, where the stream does not tell its own. */
  readonly width: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** quiet: warnings and steps that stopped; verbose: notes and debugging as lines of their own. */
  readonly level: 'quiet' | 'normal' | 'verbose';
  /** Applied to every text before it is written. */
  readonly mask: (text: string) => string;
  /** How long a step of this name took before, in milliseconds, where that is known. */
  readonly expectedMs?: (step: string) => number | undefined;
  /** Calls the task every `ms` until the returned function is called. A timer that keeps no process alive by default. */
  readonly every?: (ms: number, task: () => void) => () => void;
}

export interface TerminalLog extends Log {
  /** Ends the redrawing, tells which steps were still open, and gives the cursor back. May be called twice, and on abort. */
  close(): void;
}

const REDRAW_MS = 100;
/** A step that is not watched by redrawing tells how far it is this often. */
const PLAIN_PROGRESS_MS = 10_000;

type Decision = Parameters<StepLog['end']>[0];

/**
 * Progress for people. In a terminal the open steps stand as one line each below what is finished, in the order in which
 * they began, redrawn in place; a step that ends moves up as one line that stays. Piped, each beginning and end is a line.
 */
export function terminalLog(options: TerminalLogOptions): TerminalLog {
  return options.isTerminal && options.level !== 'quiet' ? redrawnLog(options) : plainLog(options);
}

function redrawnLog(options: TerminalLogOptions): TerminalLog {
  const { stream, now, level, expectedMs } = options;
  const colours = pc.createColors(options.colour);
  const columns = () => Math.max(20, stream.columns || options.width);
  const open = new Set<OpenStep>();
  const live: LiveLines = liveLines(stream, options.width, options.every ?? everyUnreferenced, REDRAW_MS, () =>
    [...open].map((step) => `${colours.cyan(spinnerAt(now()))} ${progressLine(step, now(), columns() - 3)}`),
  );
  const text = (message: string) => oneLine(cleanText(message, options.mask));
  const keep = (line: string) => live.keep(defuseCommands(line));

  const close = (step: OpenStep, mark: string, summary: string) => {
    open.delete(step);
    const took = formatDuration(now() - step.startedAtMs).padStart(8);
    keep(`${mark} ${padWidth(step.name, NAME_COLUMNS)}  ${colours.dim(took)}  ${summary}`.trimEnd());
  };
  const marks: Record<Decision, string> = {
    proceed: colours.green('✓'),
    stop: colours.red('✗'),
    skipped: colours.dim('-'),
  };

  return {
    step(name) {
      const step = openStep(text(name), now(), expectedMs?.(name));
      open.add(step);
      live.draw();
      const note = (message: string) => {
        step.note = text(message);
        if (level === 'verbose') keep(colours.dim(`  ${step.name}: ${step.note}`));
      };
      return {
        progress(done, total, unit) {
          step.progress = { done, total, unit: text(unit) };
        },
        note,
        output: note,
        end(decision, summary) {
          if (open.has(step)) close(step, marks[decision], text(summary));
        },
      };
    },
    info: (message) => keep(`  ${text(message)}`),
    warn: (message) => keep(`${colours.yellow('!')} ${text(message)}`),
    debug: (message) => {
      if (level === 'verbose') keep(colours.dim(`  ${text(message)}`));
    },
    close() {
      for (const step of [...open]) close(step, colours.yellow('■'), 'was not finished');
      live.close();
    },
  };
}

function plainLog(options: TerminalLogOptions): TerminalLog {
  const { stream, now, level, mask } = options;
  const open = new Map<OpenStep, number>();
  const text = (message: string) => oneLine(cleanText(message, mask));
  const write = (line: string) => stream.write(`${new Date(now()).toISOString()} ${line}\n`);
  const isQuiet = level === 'quiet';

  return {
    step(name) {
      const step = openStep(text(name), now(), undefined);
      open.set(step, now());
      if (!isQuiet) write(`${step.name}: began`);
      const note = (message: string) => {
        if (level === 'verbose') write(`${step.name}: ${text(message)}`);
      };
      return {
        progress(done, total, unit) {
          const toldAtMs = open.get(step);
          if (isQuiet || toldAtMs === undefined || now() - toldAtMs < PLAIN_PROGRESS_MS) return;
          open.set(step, now());
          write(`${step.name}: ${describeProgress({ done, total, unit: text(unit) })}`);
        },
        note,
        output: note,
        end(decision, summary) {
          if (!open.delete(step) || (isQuiet && decision !== 'stop')) return;
          const took = formatDuration(now() - step.startedAtMs);
          const told = text(summary);
          write(`${step.name}: ${ENDINGS[decision]} after ${took}${told === '' ? '' : `: ${told}`}`);
        },
      };
    },
    info(message) {
      if (!isQuiet) write(text(message));
    },
    warn: (message) => write(`warning: ${text(message)}`),
    debug(message) {
      if (level === 'verbose') write(`debug: ${text(message)}`);
    },
    close() {
      for (const step of open.keys())
        write(`${step.name}: was not finished, after ${formatDuration(now() - step.startedAtMs)}`);
      open.clear();
    },
  };
}

const ENDINGS: Record<Decision, string> = { proceed: 'done', stop: 'stopped', skipped: 'skipped' };

function openStep(name: string, startedAtMs: number, expectedMs: number | undefined): OpenStep {
  return { name, startedAtMs, expectedMs, progress: undefined, note: '' };
}

function everyUnreferenced(ms: number, task: () => void): () => void {
  const timer = setInterval(task, ms);
  timer.unref();
  return () => clearInterval(timer);
}
