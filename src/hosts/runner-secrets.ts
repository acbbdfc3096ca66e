import { UserError } from '../core/errors.ts';
import { secretForms, unmaskable } from '../report/mask.ts';
import type { Runner } from './runner.ts';

/** The secrets of a job by name, and what stops the job from having them. */
export interface RunnerSecrets {
  readonly values: Readonly<Record<string, string>>;
  /** Names of secrets that are too short to be masked. */
  readonly unmasked: readonly string[];
  /** Thrown by the host once it can tell it; what can be masked has been. */
  readonly problem: UserError | undefined;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Below this a text is as likely a word as a secret. */
const MIN_LENGTH = 4;

/**
 * Reads the text of HOLDFAST_SECRETS and masks every value in it before anything else happens. A secret that GitHub
 * does not know arrives as the empty text and counts as not set. Never throws: a text that is no map is masked line
 * by line, and told as `problem` without a word of it.
 *
 *     DATABASE_URL: "postgres://…"
 *     SSH_KEY: "-----BEGIN…\n…"
 */
export async function takeSecrets(
  text: string,
  runner: Pick<Runner, 'mask'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RunnerSecrets> {
  if (text.trim() === '') return { values: {}, unmasked: [], problem: undefined };
  const { values, problem } = await parseSecrets(text);
  const masked = problem === undefined ? values : { ...values, ...suspects(text) };
  for (const form of secretForms(masked)) {
    if (canBeTold(form, environment)) runner.mask(form);
  }
  return { values: masked, unmasked: unmaskable(values), problem };
}

/**
 * A runner that is told of several lines masks each of them, those of one character too: it is told of the long lines
 * one by one. `act` takes everything before the last `::` of a line for the name of a command; it would not mask such a
 * value but print it, so there our own mask has to be enough.
 */
function canBeTold(form: string, environment: Readonly<Record<string, string | undefined>>): boolean {
  if (/[\r\n]/.test(form)) return false;
  return environment['ACT'] !== 'true' || !form.includes('::');
}

async function parseSecrets(text: string): Promise<Pick<RunnerSecrets, 'values' | 'problem'>> {
  const { isMap, isScalar, parseDocument } = await import('yaml');
  const document = parseDocument(text, { logLevel: 'silent', stringKeys: true });
  if (document.errors.length > 0 || !isMap(document.contents)) {
    return { values: {}, problem: malformed('is not a YAML map of names to JSON strings') };
  }
  const values: [string, string][] = [];
  const wrong: string[] = [];
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : '';
    // `PIN: 0123` means these four characters, not the number.
    const isText = isScalar(value) && (typeof value.value === 'string' || value.source !== undefined);
    if (!NAME.test(name) || !isText) wrong.push(NAME.test(name) ? name : 'a key that is no name');
    else if (value.value !== null && value.value !== '') {
      values.push([name, typeof value.value === 'string' ? value.value : (value.source ?? '')]);
    }
  }
  const problem = wrong.length === 0 ? undefined : malformed(`holds what is no text: ${wrong.join(', ')}`);
  return { values: Object.fromEntries(values), problem };
}

function malformed(what: string): UserError {
  return new UserError('secrets-malformed', `the input "secrets" ${what}`, {
    hint: 'Write one line per secret: NAME: ${{ toJSON(secrets.NAME) }}',
  });
}

/** Each line of a text that could not be read, and what stands after its first colon, with and without quotes. */
function suspects(text: string): Record<string, string> {
  const parts = text.split(/\r\n|\r|\n/).flatMap((line) => {
    const value = line.slice(line.indexOf(':') + 1).trim();
    return [line.trim(), value, value.replace(/^["'[{]+|["'\]},]+$/g, '')];
  });
  const kept = [...new Set(parts)].filter((part) => part.length >= MIN_LENGTH);
  return Object.fromEntries(kept.map((part, index) => [`suspect ${index}`, part]));
}
