import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Github } from '../support/github/server.ts';
import { unzip } from '../support/github/zip.ts';
import type { Outcome } from './harness.ts';

export interface Places {
  readonly runs: readonly Outcome[];
  readonly github: Github;
  /** Folders and files whose contents no secret may be in, such as the reports on a target. */
  readonly folders?: readonly string[];
}

/**
 * Where a secret can be read: in the log, the summaries or the outputs of a run, in an artifact, in what was sent to GitHub
 * or to the outside world, in a file. Each line of it counts, as it is and as the encodings in which it could travel.
 * Answers one line for each place; none is how it should be.
 */
export function findLeaks(secret: string, { runs, github, folders = [] }: Places): string[] {
  const forms = formsOf(secret);
  const texts: [string, string][] = [
    ...runs.flatMap(({ runId, log, summaries, jobs }): [string, string][] => [
      [`log of run ${runId}`, log],
      [`summaries of run ${runId}`, summaries.join('\n')],
      ...outputsOf(jobs).map(([name, text]): [string, string] => [`output ${name} of run ${runId}`, text]),
    ]),
    ...github.world.artifacts.flatMap(({ name, bytes, contentType }): [string, string][] => {
      const files = contentType.includes('zip') ? unzip(bytes) : { '': bytes };
      return Object.entries(files).map(([path, content]) => [`artifact ${name}/${path}`, content.toString('latin1')]);
    }),
    ...github.sent.map((text, index): [string, string] => [`request ${index} to GitHub`, text]),
    ...github.hooks.received.map(({ name, text }): [string, string] => [`message to ${name}`, text]),
    ...folders.flatMap(filesIn).map((file): [string, string] => [file, readFileSync(file, 'latin1')]),
  ];
  return texts.flatMap(([place, text]) => (forms.some((form) => text.includes(form)) ? [place] : []));
}

/** Below this a form is met by chance. */
const MIN_LENGTH = 6;

function formsOf(secret: string): string[] {
  const plain = [secret, ...secret.split(/\r?\n/)];
  const forms = plain.flatMap((text) => [
    text,
    Buffer.from(text, 'utf8').toString('latin1'),
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ]);
  return [...new Set(forms)].filter((form) => form.length >= MIN_LENGTH);
}

function outputsOf(jobs: Outcome['jobs']): [string, string][] {
  return Object.values(jobs).flatMap((results) =>
    Object.entries(results).flatMap(([job, { outputs }]) =>
      Object.entries(outputs).map(([name, text]): [string, string] => [`${job}.${name}`, text]),
    ),
  );
}

function filesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return globSync(['**/*', '**/.*/**/*', '**/.*'], { cwd: path })
    .map((name) => join(path, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}
