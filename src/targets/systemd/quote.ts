/**
 * One word of ExecStart= (systemd.service(5), "Command lines"), so that the program gets exactly this text:
 * `50% of "$HOME"` → `"50%% of \"$$HOME\""`. Everything is quoted, so that no word is taken for a separator.
 */
export function quoteWord(text: string): string {
  const escaped = text
    .replace(/["\\]/g, '\\$&')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
    .replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${escaped}"`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/g;

/**
 * A path as WorkingDirectory= and StandardOutput= read it: no quotes are known there, only specifiers. A path with a line
 * feed, or one that ends in a space or backslash, has no form at all; `isUnitPath` tells.
 */
export function quotePath(path: string): string {
  return path.replaceAll('%', '%%');
}

/** A path as EnvironmentFile= reads it: it is a pattern of file names there. */
export function quotePattern(path: string): string {
  return quotePath(path.replace(/[\\*?[\]]/g, '\\$&'));
}

/** True for an absolute path that can stand in a unit. */
export function isUnitPath(path: string): boolean {
  return path.startsWith('/') && path.search(CONTROL) === -1 && !/[\s\\]$/.test(path);
}

/**
 * Variables as EnvironmentFile= reads them (systemd.exec(5)): inside double quotes a backslash takes the meaning from
 * `"`, `\`, `$` and the backquote; line feeds stand as they are.
 */
export function environmentFile(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value.replace(/["\\$`]/g, '\\$&')}"\n`);
  return lines.join('');
}

/** Names of variables that systemd would leave out with a warning: their values hold control characters. */
export function unfitVariables(variables: Readonly<Record<string, string>>): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for; tab and line feed are allowed
  const unfit = /[\x00-\x08\x0b-\x1f\x7f]/;
  return Object.entries(variables)
    .filter(([, value]) => unfit.test(value))
    .map(([name]) => name);
}
