/** One command of a shell block: its words, without what stands before the program and after a pipe. */
export interface ShellCommand {
  readonly words: readonly string[];
  readonly source: string;
}

/**
 * The commands of a shell block, as far as documentation writes them: `NAME=value` before the program, quotes, `#`
 * comments, `\` at the end of a line, `&&`, `|`, `;`, `&` and redirections. Nothing is expanded.
 *
 *   A=1 holdfast plan --set 'a.b=[c d]' > out   # look      ->      holdfast | plan | --set | a.b=[c d]
 */
export function commandsOf(script: string): ShellCommand[] {
  return script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => splitLine(line).map((tokens) => ({ words: programOf(tokens), source: line.trim() })))
    .filter(({ words }) => words.length > 0);
}

const SEPARATORS = new Set(['&&', '||', '|', ';', '&']);
const REDIRECTION = /^\d?(?:>>?|<)$/;

function splitLine(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const token of tokensOf(line)) {
    if (SEPARATORS.has(token)) commands.push([]);
    else commands.at(-1)?.push(token);
  }
  return commands.map((tokens) =>
    tokens.filter((token, index) => !REDIRECTION.test(token) && !REDIRECTION.test(tokens[index - 1] ?? '')),
  );
}

function tokensOf(line: string): string[] {
  const tokens: string[] = [];
  for (const match of line.matchAll(/\s*(?:(#.*$)|(&&|\|\||[|;&]|\d?>>?|<)|((?:"[^"]*"|'[^']*'|[^\s"'|;&<>])+))/g)) {
    if (match[1] !== undefined) break;
    if (match[2] !== undefined) tokens.push(match[2]);
    else tokens.push((match[3] ?? '').replace(/"([^"]*)"|'([^']*)'/g, (_, a: string, b: string) => a ?? b));
  }
  return tokens;
}

function programOf(tokens: readonly string[]): string[] {
  const start = tokens.findIndex((token) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(token));
  return start < 0 ? [] : tokens.slice(start);
}
