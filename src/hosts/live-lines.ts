import { createLogUpdate } from 'log-update';

/** What is written to: standard error, or a test. */
export interface TerminalStream {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

/** Lines at the bottom of a terminal that are drawn again and again, below lines that stay. */
export interface LiveLines {
  /** Draws now, and then at the interval until nothing is left to draw. */
  draw(): void;
  /** Writes a line that stays, above the live ones. */
  keep(line: string): void;
  /** Removes the live lines and shows the cursor. Safe to call twice. */
  close(): void;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const DEFAULT_ROWS = 24;

/**
 * `lines` gives what is live at this moment: each at most as wide as the terminal, none when nothing is.
 * The cursor is hidden only while something is live.
 */
export function liveLines(
  stream: TerminalStream,
  defaultWidth: number,
  every: (ms: number, task: () => void) => () => void,
  redrawMs: number,
  lines: () => readonly string[],
): LiveLines {
  // A terminal of unknown size says 0, and nothing fits into that.
  const sized: TerminalStream = {
    write: (text) => stream.write(text),
    get columns() {
      return stream.columns || defaultWidth;
    },
    get rows() {
      return stream.rows || DEFAULT_ROWS;
    },
  };
  // It writes, and reads the size; the other members of its type are not used. The cursor is ours, because it would
  // hide the one of standard error, whatever the stream is.
  const region = createLogUpdate(sized as NodeJS.WritableStream, { showCursor: true });
  let stop: (() => void) | undefined;

  const redraw = () => {
    const room = Math.max(1, (sized.rows ?? DEFAULT_ROWS) - 2);
    const all = lines();
    const more = all.length - room;
    region((more > 0 ? [...all.slice(0, room - 1), `  and ${more + 1} more`] : all).join('\n'));
  };
  const end = () => {
    if (stop === undefined) return;
    stop();
    stop = undefined;
    region.clear();
    stream.write(SHOW_CURSOR);
  };
  const draw = () => {
    if (lines().length === 0) return end();
    if (stop === undefined) {
      stream.write(HIDE_CURSOR);
      stop = every(redrawMs, redraw);
    }
    redraw();
  };
  return {
    draw,
    keep(line) {
      if (stop !== undefined) region.clear();
      stream.write(`${line}\n`);
      draw();
    },
    close: end,
  };
}
