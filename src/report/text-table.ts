import { oneLine } from './text.ts';
import { displayWidth, fitWidth, padWidth, wrapWidth } from './width.ts';

const GAP = '  ';
const MIN_COLUMN = 4;

/**
 * A table as lines of at most `width` columns, the titles first (no line when all are empty). Cells are wrapped; where
 * the table is too wide, the widest columns give way first.
 */
export function layOutTable(columns: readonly string[], rows: readonly (readonly string[])[], width: number): string[] {
  const titles = columns.map(oneLine);
  const cells = rows.map((row) => titles.map((_, index) => oneLine(row[index] ?? '')));
  const hasTitles = titles.some((title) => title !== '');
  const all = hasTitles ? [titles, ...cells] : cells;
  const widths = fitColumns(
    titles.map((_, index) => Math.max(1, ...all.map((row) => displayWidth(row[index] ?? '')))),
    width - GAP.length * (titles.length - 1),
  );
  return all.flatMap((row) => layOutRow(row, widths)).map((line) => fitWidth(line, width));
}

function fitColumns(wanted: readonly number[], available: number): number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, each) => sum + each, 0) - available;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= MIN_COLUMN) break;
    const next = Math.max(MIN_COLUMN, ...widths.filter((each) => each < widest));
    const index = widths.indexOf(widest);
    const sharing = widths.filter((each) => each === widest).length;
    const less = Math.min(widest - next || 1, Math.ceil(excess / sharing));
    widths[index] = widest - less;
    excess -= less;
  }
  return widths;
}

function layOutRow(row: readonly string[], widths: readonly number[]): string[] {
  const wrapped = row.map((cell, index) => wrapWidth(cell, widths[index] ?? 1));
  const height = Math.max(1, ...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    wrapped
      .map((lines, index) => padWidth(lines[line] ?? '', widths[index] ?? 1))
      .join(GAP)
      .trimEnd(),
  );
}
