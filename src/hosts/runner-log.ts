import { formatDuration } from '../core/duration.ts';
import type { Log, StepLog } from '../platform/log.ts';
import { cleanText, defuseCommands, oneLine } from '../report/text.ts';
import { describeProgress } from './progress.ts';
import type { Runner } from './runner.ts';

export interface RunnerLog extends Log {
  /** Closes the group that is open. May be called twice. */
  close(): void;
}

/** How often a step tells how far it is; the runner gives each line its time. */
const PROGRESS_MS = 10_000;

const ENDINGS: Record<Parameters<StepLog['end']>[0], string> = { proceed: '✓', stop: '✗', skipped: '-' };

/**
 * Progress in the log of a job. The outermost step is a group that can be folded; steps within it, and others that run
 * at the same time, are lines of it. Its ending stands after the group, so that a folded log still tells everything.
 */
export function runnerLog(
  runner: Pick<Runner, 'info' | 'debug' | 'annotate' | 'openGroup' | 'closeGroup'>,
  options: { readonly now: () => number; readonly mask: (text: string) => string },
): RunnerLog {
  const { now, mask } = options;
  const open = new Set<symbol>();
  const after: string[] = [];
  const text = (message: string) => oneLine(cleanText(message, mask));
  const write = (line: string) => runner.info(defuseCommands(line));

  const closeGroup = () => {
    runner.closeGroup();
    for (const line of after.splice(0)) write(line);
  };

  return {
    step(name) {
      const step = Symbol(name);
      const shown = text(name);
      const startedAt = now();
      let toldAt = startedAt;
      const isOutermost = open.size === 0;
      if (isOutermost) runner.openGroup(shown);
      else write(`${shown}: began`);
      open.add(step);
      return {
        progress(done, total, unit) {
          if (!open.has(step) || now() - toldAt < PROGRESS_MS) return;
          toldAt = now();
          write(`${shown}: ${describeProgress({ done, total, unit: text(unit) })}`);
        },
        note: (message) => runner.debug(`${shown}: ${text(message)}`),
        output: (line) => write(text(line)),
        end(decision, summary) {
          if (!open.delete(step)) return;
          const took = formatDuration(now() - startedAt);
          const line = `${ENDINGS[decision]} ${shown} (${took}) ${text(summary)}`.trimEnd();
          if (isOutermost) after.push(line);
          else write(line);
          if (open.size === 0) closeGroup();
        },
      };
    },
    info: (message) => write(text(message)),
    warn: (message) => runner.annotate('warning', text(message), 'holdfast'),
    debug: (message) => runner.debug(text(message)),
    close() {
      if (open.size === 0) return;
      open.clear();
      closeGroup();
    },
  };
}
