import type { TerminalStream } from '../../src/hosts/live-lines.ts';

/** A terminal that does what our log may ask of it, and throws on every other control byte. */
export interface Screen extends TerminalStream {
  /** What somebody sees now, without colours; trailing empty lines left out. */
  text(): string[];
  /** Every byte that was written. */
  written(): string;
  isCursorShown(): boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal reads
const PIECE = /\u001b\[\??([\d;]*)([A-Za-z])|[^\u0000-\u001f\u007f-\u009f]+|\n/gu;

export function aScreen(columns: number, rows = 24): Screen {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  let all = '';
  let isCursorShown = true;

  const put = (text: string) => {
    const line = (lines[row] ?? '').padEnd(column);
    lines[row] = line.slice(0, column) + text + line.slice(column + text.length);
    column += text.length;
    if (column > columns) throw new Error(`wider than the terminal: ${lines[row]}`);
  };
  const obey = (count: number, name: string, piece: string) => {
    if (name === 'm') return;
    if (name === 'h' || name === 'l') isCursorShown = name === 'h';
    else if (name === 'A') row = Math.max(0, row - count);
    else if (name === 'B') row += count;
    else if (name === 'G') column = 0;
    else if (name === 'K') lines[row] = piece.includes('2') ? '' : (lines[row] ?? '').slice(0, column);
    else throw new Error(`unknown sequence ${JSON.stringify(piece)}`);
  };

  return {
    columns,
    rows,
    write(text) {
      all += text;
      let read = 0;
      for (const match of text.matchAll(PIECE)) {
        const [piece, parameter, name] = match;
        if (match.index !== read) break;
        read += piece.length;
        if (name !== undefined) obey(Number(parameter) || 1, name, piece);
        else if (piece === '\n') {
          row += 1;
          column = 0;
          lines[row] ??= '';
        } else put(piece);
      }
      if (read !== text.length) throw new Error(`a control byte in ${JSON.stringify(text.slice(read, read + 40))}`);
    },
    text() {
      const seen = lines.map((line) => line.trimEnd());
      while (seen.at(-1) === '') seen.pop();
      return seen;
    },
    written: () => all,
    isCursorShown: () => isCursorShown,
  };
}
