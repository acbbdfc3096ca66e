import { type Document, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';

/** What the YAML parser made of the text. `document` is absent where its parts cannot be trusted. */
export interface Parsed {
  readonly document: Document | undefined;
  readonly lineCounter: LineCounter;
  readonly problems: readonly SyntaxProblem[];
  /** Gives a scalar its own characters back (see `hideBraces`). */
  readonly restore: (text: string) => string;
}

export interface SyntaxProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Each repair parses again; more of them in one file are told one batch at a time. */
const MAX_REPAIRS = 20;

/**
 * Parses YAML 1.2 with the core schema. Never throws. After a mistake in the syntax the parser guesses, and its further
 * errors mislead; so only the first is told, with one exception: `{ url: ${X} }` is read as if it stood in quotes, so
 * that the rest of the file can still be judged.
 */
export function parseYaml(text: string): Parsed {
  const unquoted: SyntaxProblem[] = [];
  const repairable = !HIDDEN.test(text);
  const restore = repairable ? showBraces : (untouched: string) => untouched;
  let current = text;
  for (;;) {
    const lineCounter = new LineCounter();
    const document = parseOnce(current, lineCounter);
    if (document === undefined) {
      const message = 'the file nests too deep to be read; take out levels of lists or maps';
      return { document, lineCounter, problems: [{ line: 1, column: 1, message }], restore };
    }
    const position = (offset: number) => {
      const { line, col } = lineCounter.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    };
    const brace = document.errors.find(({ pos: [start] }) => current.startsWith('${', start - 1) && start > 0);
    if (brace !== undefined && unquoted.length < MAX_REPAIRS) {
      const start = brace.pos[0] - 1;
      const expression = /^\$\{[^}\n]*\}/.exec(current.slice(start))?.[0];
      const shown = expression === undefined ? '${…}' : expression.slice(0, 80);
      unquoted.push({
        ...position(start),
        message: `put it in quotes: inside { } and [ ] YAML reads the braces of ${shown} itself`,
      });
      if (expression !== undefined && repairable) {
        current = current.slice(0, start) + hideBraces(expression) + current.slice(start + expression.length);
        continue;
      }
      return { document: undefined, lineCounter, problems: unquoted, restore };
    }
    const hard = document.errors.filter(({ code }) => !SOFT.includes(code)).sort((a, b) => a.pos[0] - b.pos[0]);
    const told = [...document.errors.filter(({ code }) => SOFT.includes(code)), ...hard.slice(0, 1)];
    const warned = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
    const problems = [...told, ...warned].map((error) => ({
      ...position(startOf(error, document)),
      message: describe(error),
    }));
    return {
      document: hard.length > 0 ? undefined : document,
      lineCounter,
      problems: [...unquoted, ...problems],
      restore,
    };
  }
}

/** Errors after which the parts of the document are still what the user wrote. */
const SOFT: readonly string[] = ['MULTIPLE_DOCS', 'TAG_RESOLVE_FAILED', 'BAD_DQ_ESCAPE'];

/** Undefined when the parser ran out of stack: it descends once per level. */
function parseOnce(text: string, lineCounter: LineCounter): Document | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      // Told by our own reader, which knows the first place too.
      uniqueKeys: false,
      // Also against a %YAML 1.1 directive, where `no` is false.
      schema: 'core',
      merge: false,
      // Lower levels leave the error about a second document out.
      logLevel: 'error',
    });
  } catch {
    return undefined;
  }
}

function describe(error: YAMLError): string {
  const { code, message } = error;
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab indents this line; YAML wants spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; a configuration is one, remove the line "---"';
    case 'TAG_RESOLVE_FAILED':
      return 'a tag that is not known; values here need no tag, remove it';
    case 'BAD_INDENT':
      return 'not valid YAML: the indentation fits to no line above';
    case 'BAD_DQ_ESCAPE':
      return 'not valid YAML: an escape that double quotes do not know; write \\\\ for a backslash or use single quotes';
    case 'MISSING_CHAR':
      if (isOpenQuote(error)) return 'the quote that opens here is never closed';
      return `not valid YAML: ${lowered(message)}; is a quote, bracket, colon or the space after it missing?`;
    case 'MULTILINE_IMPLICIT_KEY':
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'not valid YAML: a key has to stand on one line with its colon and a space after it';
    default:
      return `not valid YAML: ${lowered(message)}`;
  }
}

function isOpenQuote({ code, message }: YAMLError): boolean {
  return code === 'MISSING_CHAR' && /closing .quote/.test(message);
}

/** A quote that is never closed takes in the rest of the file, so the parser's own place is the end of it. */
function startOf(error: YAMLError, document: Document): number {
  let start = error.pos[0];
  if (!isOpenQuote(error)) return start;
  visit(document, {
    Scalar(_, node) {
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
      if (isQuoted && node.range != null && node.range[0] <= error.pos[0]) start = node.range[0];
    },
  });
  return start;
}

/** The parser's own sentence, within ours. */
function lowered(message: string): string {
  const first = (message.split('\n')[0] ?? '').slice(0, 200);
  return first.charAt(0).toLowerCase() + first.slice(1);
}

/** Characters that a plain scalar in `{ }` cannot hold, and private ones that it can, of the same length. */
const SPECIAL = '{}[],:#"\'';
const FIRST_HIDDEN = 0xe000;
const HIDDEN = /[\ue000-\ue008]/;

function hideBraces(text: string): string {
  return [...text]
    .map((character) => {
      const index = SPECIAL.indexOf(character);
      return index < 0 ? character : String.fromCharCode(FIRST_HIDDEN + index);
    })
    .join('');
}

function showBraces(text: string): string {
  return text.replace(/[\ue000-\ue008]/g, (character) => SPECIAL[character.charCodeAt(0) - FIRST_HIDDEN] ?? character);
}
