import { isAbsolute, relative, resolve } from 'node:path';
import type { Loaded } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import { type Path, placeOf } from '../config/tree.ts';
import type { Finding } from '../core/finding.ts';
import { cleanText, type Mask, oneLine } from '../report/text.ts';
import type { AnnotationLevel, AnnotationPlace, Runner } from './runner.ts';

/** GitHub shows ten annotations of each level per step, and the reason why the step failed is one of them. */
const MAX_PER_LEVEL = 9;

interface Annotation {
  readonly level: AnnotationLevel;
  readonly title: string;
  readonly message: string;
  readonly place: AnnotationPlace | undefined;
}

/** What is known about where the configuration lies. */
export interface AnnotatedFile {
  /** Absolute path of the configuration. */
  readonly path: string;
  /** As problems name it. */
  readonly shown: string;
  /** Absolute path of the checked out repository. */
  readonly workspace: string;
  /** Undefined while there is no valid one. */
  readonly loaded: Loaded | undefined;
}

/** Failed and unanswered findings as annotations, at the line of the configuration that asked for each. */
export function annotateFindings(
  findings: readonly Finding[],
  file: AnnotatedFile | undefined,
  mask: Mask,
  runner: Pick<Runner, 'annotate' | 'info'>,
): void {
  const annotations = findings.flatMap(({ outcome, check, message, remedy, path }): Annotation[] => {
    if (outcome !== 'fail' && outcome !== 'warn' && outcome !== 'unknown') return [];
    const text = remedy === undefined ? message : `${message.replace(/\.$/, '')}. ${remedy}`;
    const place = path === undefined || file === undefined ? undefined : placeOfFinding(path, file);
    return [{ level: outcome === 'fail' ? 'error' : 'warning', title: check, message: text, place }];
  });
  write(annotations, mask, runner);
}

/** Problems of a configuration at their own lines. */
export function annotateProblems(
  level: AnnotationLevel,
  problems: readonly Problem[],
  file: AnnotatedFile,
  mask: Mask,
  runner: Pick<Runner, 'annotate' | 'info'>,
): void {
  const annotations = problems.map(({ line, column, path, message, file: from }): Annotation => {
    const title = path === '' ? 'configuration' : path;
    // Also of another version of the file, whose lines are not those of this one.
    if (line === 0 || from !== file.shown) return { level, title, message: `${from}: ${message}`, place: undefined };
    return { level, title, message, place: inRepository(file, line, column) };
  });
  write(annotations, mask, runner);
}

function write(annotations: readonly Annotation[], mask: Mask, runner: Pick<Runner, 'annotate' | 'info'>): void {
  const clean = (text: string) => oneLine(cleanText(text, mask));
  for (const level of ['error', 'warning', 'notice'] as const) {
    const wanted = annotations.filter((annotation) => annotation.level === level);
    for (const { message, title, place } of wanted.slice(0, MAX_PER_LEVEL)) {
      runner.annotate(level, clean(message), clean(title), place);
    }
    const more = wanted.length - MAX_PER_LEVEL;
    if (more > 0) runner.info(`… and ${more} more of level ${level} in the summary`);
  }
}

/** Where the file asks for it; undefined for what was never written there, or was set from outside. */
function placeOfFinding(path: string, file: AnnotatedFile): AnnotationPlace | undefined {
  if (file.loaded === undefined) return undefined;
  const { origin, line, column } = placeOf(file.loaded.resolved, stepsOf(path), 'key');
  if (origin.kind !== 'file' && origin.kind !== 'environment') return undefined;
  return inRepository(file, Math.max(line, 1), Math.max(column, 1));
}

function inRepository({ path, workspace }: AnnotatedFile, line: number, column: number): AnnotationPlace | undefined {
  const file = relative(resolve(workspace), path);
  return file.startsWith('..') || isAbsolute(file) ? undefined : { file, line, column };
}

/** `alerts.routes[0].send` as steps. */
function stepsOf(path: string): Path {
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([step, index]) => (index === undefined ? step : Number(index)));
}
