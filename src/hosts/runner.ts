import * as core from '@actions/core';
import type { OutputName } from './runner-outputs.ts';

/** A place in a file of the repository, for annotations. Lines and columns count from 1. */
export interface AnnotationPlace {
  /** Relative to the root of the repository. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type AnnotationLevel = 'error' | 'warning' | 'notice';

/** What the GitHub host says to the runner, and what it asks of it. Tests pass one that remembers. */
export interface Runner {
  /** The input as the runner gave it, not trimmed; afterwards it is gone from the environment of this process. */
  takeInput(name: string): string;
  output(name: OutputName, value: string): void;
  /** From now on the runner replaces this text wherever it is printed. */
  mask(text: string): void;
  annotate(level: AnnotationLevel, message: string, title: string, place?: AnnotationPlace): void;
  info(text: string): void;
  debug(text: string): void;
  openGroup(title: string): void;
  closeGroup(): void;
  /** Adds Markdown to the summary of the job. */
  summarize(markdown: string): Promise<void>;
  /** The step is a failed one, for this reason. */
  fail(message: string): void;
}

/** The runner that started this process, through @actions/core. */
export function actionsRunner(environment: Record<string, string | undefined>): Runner {
  const write = { error: core.error, warning: core.warning, notice: core.notice };
  return {
    takeInput(name) {
      const value = core.getInput(name, { trimWhitespace: false });
      delete environment[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`];
      return value;
    },
    output: (name, value) => core.setOutput(name, value),
    mask: (text) => core.setSecret(text),
    annotate(level, message, title, place) {
      const where = place === undefined ? {} : { file: place.file, startLine: place.line, startColumn: place.column };
      write[level](message, { title, ...where });
    },
    info: (text) => core.info(text),
    debug: (text) => core.debug(text),
    openGroup: (title) => core.startGroup(title),
    closeGroup: () => core.endGroup(),
    async summarize(markdown) {
      await core.summary.addRaw(markdown).write();
    },
    fail: (message) => core.setFailed(message),
  };
}
