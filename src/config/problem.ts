import { UserError } from '../core/errors.ts';
import { type Mapping, type Path, type Place, pathText, placeOf } from './tree.ts';

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** The file as the user named it; for an override `--set KEY` or the name of the variable. */
  readonly file: string;
  /** From 1; 0 where `file` is no file. */
  readonly line: number;
  readonly column: number;
  /** As the user wrote it, `environments.production.…` included; empty for the file as a whole. */
  readonly path: string;
  /** One sentence with the remedy. */
  readonly message: string;
}

/** A problem at `place`; `file` is the name of the configuration file. */
export function problemAt(file: string, place: Place, path: Path, message: string): Problem {
  const { origin, line, column } = place;
  if (origin.kind === 'variable') return { file: origin.name, line: 0, column: 0, path: pathText(path), message };
  if (origin.kind === 'set') return { file: `--set ${origin.key}`, line: 0, column: 0, path: pathText(path), message };
  if (origin.kind === 'protected')
    return { file: `${file} of ${origin.branch}`, line, column, path: pathText(path), message };
  const written = origin.kind === 'environment' ? ['environments', origin.environment, ...path] : path;
  return { file, line: Math.max(line, 1), column: Math.max(column, 1), path: pathText(written), message };
}

/** Collects problems of one tree; `add` finds the place of a path by itself. */
export interface Problems {
  readonly file: string;
  readonly found: Problem[];
  readonly warnings: Problem[];
}

/** Adds a problem at a path of `root`. */
export function add(problems: Problems, root: Mapping, path: Path, message: string, part: 'key' | 'value' = 'value') {
  problems.found.push(problemAt(problems.file, placeOf(root, path, part), path, message));
}

/** Adds a warning at a path of `root`. */
export function warn(problems: Problems, root: Mapping, path: Path, message: string, part: 'key' | 'value' = 'key') {
  problems.warnings.push(problemAt(problems.file, placeOf(root, path, part), path, message));
}

/** In the order of the file, overrides last, the same thing once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  const rank = ({ line }: Problem) => (line === 0 ? Number.POSITIVE_INFINITY : line);
  return [...unique.values()].sort((a, b) => (rank(a) === rank(b) ? a.column - b.column : rank(a) < rank(b) ? -1 : 1));
}

/** A list that nobody reads to the end. */
const MAX_LINES = 200;

/**
 * One line per problem and a closing line:
 *
 *     holdfast.yml:14:13  services.api.health.streak   expected a whole number of at least 1, found "three"
 *     1 problem in holdfast.yml
 */
export function formatProblems(problems: readonly Problem[], file: string): string {
  const places = problems
    .slice(0, MAX_LINES)
    .map(({ file: where, line, column }) => (line === 0 ? where : `${where}:${line}:${column}`));
  const width = Math.max(0, ...places.map((place) => place.length));
  const lines = problems.slice(0, MAX_LINES).map(({ path, message }, index) => {
    const subject = path === '' ? '' : `${onOneLine(path)}   `;
    return `${(places[index] ?? '').padEnd(width)}  ${subject}${onOneLine(message)}`;
  });
  const rest = problems.length - lines.length;
  if (rest > 0) lines.push(`… and ${rest} more`);
  return [...lines, `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${file}`].join('\n');
}

/** The configuration does not load. The message is the list that people read; `problems` is for machines. */
export class InvalidConfiguration extends UserError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], file: string) {
    super('configuration', formatProblems(problems, file));
    this.name = 'InvalidConfiguration';
    this.problems = problems;
  }
}

/** Keys and values of a hostile file may hold line breaks and control bytes; a problem is one line. */
function onOneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '�');
}
