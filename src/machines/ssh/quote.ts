/**
 * A text as one word of a POSIX shell, whatever it holds: `it's` → `'it'\''s'`. Throws on the one byte that no word can
 * hold, and on half a character, which would arrive as another one.
 */
export function quote(text: string): string {
  if (text.includes('\0'))
    throw new TypeError(`${JSON.stringify(text)} holds a zero byte, which no command can be given`);
  if (!text.isWellFormed()) throw new TypeError(`${JSON.stringify(text)} is not Unicode and cannot be sent`);
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Words side by side, each quoted. */
export function quoteAll(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
