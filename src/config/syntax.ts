import { type Document, isCollection, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';

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

/**
 * Parses YAML 1.2 with the core schema. Never throws. After a mistake in the syntax the parser guesses, and its further
 * errors mislead; so only the first is told, with one exception: `{ url: ${X} }` is read as if it stood in quotes, so
 * that the rest of the file can still be judged.
 */
export function parseYaml(text: string): Parsed {
  const first = parseOnce(text);
  if (!first.document?.errors.some((error) => isBrace(error, text)) || HIDDEN.test(text)) {
    return judge(first, text, [], (scalar) => scalar);
  }
  const hidden = text.replace(SIMPLE_EXPRESSION, hideBraces);
  const second = parseOnce(hidden);
  const unquoted = second.document === undefined ? [] : unquotedExpressions(second.document, hidden);
  return judge(
    second,
    hidden,
    unquoted.map(({ offset, shown }) => quoteAdvice(second, offset, shown)),
    showBraces,
  );
}

interface Attempt {
  readonly document: Document | undefined;
  readonly lineCounter: LineCounter;
}

function judge(
  { document, lineCounter }: Attempt,
  text: string,
  unquoted: readonly SyntaxProblem[],
  restore: Parsed['restore'],
): Parsed {
  if (document === undefined || document.errors.some(({ message }) => /stack/i.test(message))) {
    const message = 'the file nests too deep to be read; take out levels of lists or maps';
    return { document: undefined, lineCounter, problems: [{ line: 1, column: 1, message }], restore };
  }
  const attempt = { document, lineCounter };
  const soft = document.errors.filter(({ code }) => SOFT.includes(code)).slice(0, MAX_TOLD);
  const hard = document.errors.filter(({ code }) => !SOFT.includes(code)).sort((a, b) => a.pos[0] - b.pos[0]);
  const tags = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED').slice(0, MAX_TOLD);
  const problems = [...soft, ...hard.slice(0, 1), ...tags].map((error) =>
    isBrace(error, text)
      ? quoteAdvice(attempt, error.pos[0] - 1, '${…}')
      : { ...positionOf(attempt, startOf(error, document)), message: describe(error) },
  );
  // What follows a hard error is a guess of the parser.
  return {
    document: hard.length > 0 ? undefined : document,
    lineCounter,
    problems: [...unquoted, ...problems],
    restore,
  };
}

/** Of one kind of mistake; a file with more of it is not a configuration. */
const MAX_TOLD = 50;

function positionOf({ lineCounter }: Attempt, offset: number) {
  const { line, col } = lineCounter.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function quoteAdvice(attempt: Attempt, offset: number, shown: string): SyntaxProblem {
  const message = `put it in quotes: inside { } and [ ] YAML reads the braces of ${shown} itself`;
  return { ...positionOf(attempt, offset), message };
}

/** The parser stumbles over the brace of `${`. */
function isBrace({ pos }: YAMLError, text: string): boolean {
  return pos[0] > 0 && text.startsWith('${', pos[0] - 1);
}

/** Expressions with hidden braces that stand in a flow collection without quotes. */
function unquotedExpressions(document: Document, text: string): { offset: number; shown: string }[] {
  const found: { offset: number; shown: string }[] = [];
  visit(document, {
    Scalar(_, node, ancestors) {
      const isInFlow = ancestors.some((ancestor) => isCollection(ancestor) && ancestor.flow === true);
      if (node.type !== 'PLAIN' || !isInFlow || node.range == null) return;
      const [start, end] = node.range;
      for (const match of text.slice(start, end).matchAll(HIDDEN_EXPRESSION)) {
        if (found.length < MAX_TOLD)
          found.push({ offset: start + match.index, shown: showBraces(match[0]).slice(0, 80) });
      }
    },
  });
  return found;
}

/** Errors after which the parts of the document are still what the user wrote. */
const SOFT: readonly string[] = ['MULTIPLE_DOCS', 'TAG_RESOLVE_FAILED', 'BAD_DQ_ESCAPE'];

/** Without a document when the parser ran out of stack: it descends once per level. */
function parseOnce(text: string): Attempt {
  const lineCounter = new LineCounter();
  try {
    const document = parseDocument(text, {
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
    return { document, lineCounter };
  } catch {
    return { document: undefined, lineCounter };
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

/** What a scalar without quotes cannot hold in `{ }`, and private characters that it can, of the same length. */
const SPECIAL = '{}[],:#';
const FIRST_HIDDEN = 0xe000;
const HIDDEN = /[\ue000-\ue006]/;
const HIDDEN_EXPRESSION = /\$\ue000[^\ue001]*\ue001/g;
/** On one line, without what would mean something in quotes: hiding it there changes nothing. */
const SIMPLE_EXPRESSION = /\$\{[^}\n\\"']*\}/g;

function hideBraces(text: string): string {
  return text.replace(/[{}[\],:#]/g, (character) => String.fromCharCode(FIRST_HIDDEN + SPECIAL.indexOf(character)));
}

function showBraces(text: string): string {
  return text.replace(/[\ue000-\ue006]/g, (character) => SPECIAL[character.charCodeAt(0) - FIRST_HIDDEN] ?? character);
}
