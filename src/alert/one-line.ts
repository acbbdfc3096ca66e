// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and moves of the cursor begin with one
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]/gu;
/** White space, control bytes, marks that turn the direction of text, and letters that nobody sees. */
const UNSEEN = /(?:[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s\u115f\u1160\u3164\uffa0]|\u034f)+/gu;
/** Marks stacked without end paint over the lines around them. */
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu;

/** A text from outside as one line that shows what it holds: unseen characters are a space, halves of one are `\ufffd`. */
export function oneLine(text: string): string {
  return text.toWellFormed().replace(ESCAPES, '').replace(UNSEEN, ' ').replace(STACKED_MARKS, '$1').trim();
}
