/** A configuration is written by people: more than this is a mistake, and reading it would take seconds. */
export const MAX_SIZE_BYTES = 64 * 1024;

/** The text of a file, or why there is none, with the place of the first bad character. */
export type TextResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

/** Decodes UTF-8 with or without byte order mark. Never throws. */
export function decodeText(bytes: Uint8Array): TextResult {
  if (bytes.byteLength > MAX_SIZE_BYTES) {
    const message = `the file has ${bytes.byteLength} bytes; at most ${MAX_SIZE_BYTES} (64 KiB) are read, remove what is no configuration`;
    return { ok: false, line: 1, column: 1, message };
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { ok: false, line: 1, column: 1, message: 'the file is UTF-16; save it as UTF-8' };
  }
  const text = new TextDecoder('utf-8').decode(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no text file holds
  const bad = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]|\r(?!\n)/.exec(text);
  if (bad === null) return { ok: true, text };
  return { ok: false, ...positionIn(text, bad.index), message: describe(bad[0]) };
}

function describe(character: string): string {
  if (character === '\ufffd') return 'the file is not UTF-8 text; save it as UTF-8';
  if (character === '\r') return 'a carriage return without a line feed; end lines with LF or CRLF';
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return `the file holds the control character U+${code}, so it is no text; give the path of a YAML file`;
}

function positionIn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
