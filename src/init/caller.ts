import { EXAMPLES, VERSION } from './examples.ts';

/** What a caller's repository fills into the examples. */
export interface CallerRequest {
  /** `OWNER/REPOSITORY@COMMIT`; undefined leaves the places that a person has to fill. */
  readonly uses: string | undefined;
  /** Exactly what HOLDFAST_SECRETS hands over; without any the block is left out. */
  readonly secrets: readonly string[];
  /** The folder of holdfast.yml below the repository; empty when it is the repository. One that `canBeNamed`. */
  readonly folder: string;
  readonly branch: string;
}

export type CallerName = keyof typeof EXAMPLES;
export const CALLERS: readonly CallerName[] = ['release.yml', 'rollback.yml', 'lock.yml'];

const USES = /^( +uses: )OWNER\/holdfast(\/.+)@0{40} # v\d+\.\d+\.\d+$/m;
const SECRETS = /^ {4}secrets:\n(?: {6}.*\n)+/m;

/** One workflow of a repository that calls Holdfast. Pure. */
export function callerWorkflow(name: CallerName, { uses, secrets, folder, branch }: CallerRequest): string {
  const [repository, commit] = uses?.split('@') ?? [];
  const about =
    uses === undefined
      ? '# Replace OWNER/holdfast and the zeros below: whose Holdfast is called, and at which commit.'
      : '# Written by "holdfast init"; it is yours to change.';
  const call = uses === undefined ? '$&' : `$1${repository}$2@${commit} # ${VERSION}`;
  const names = secrets.map((secret) => `        ${secret}: \${{ toJSON(secrets.${secret}) }}\n`);
  const block = names.length === 0 ? '' : `    secrets:\n      HOLDFAST_SECRETS: |\n${names.join('')}`;
  let text: string = EXAMPLES[name];
  text = replaced(text, /^# Copy this .*$/m, about);
  text = replaced(text, USES, call);
  text = replaced(text, SECRETS, block.replaceAll('$', '$$$$'));
  if (folder !== '') {
    const line = `      working-directory: ${JSON.stringify(folder)}`;
    text = replaced(text, /^ {6}environment: production$/m, `$&\n${line.replaceAll('$', '$$$$')}`);
  }
  return name === 'release.yml' ? replaced(text, /^( +branches: )\[main\]$/m, `$1[${branch}]`) : text;
}

/**
 * Whether a workflow can name this folder: inputs lose white space at their edges, expressions begin in the middle of any
 * text, and a name that is not UTF-8 is another one by now.
 */
export function canBeNamed(folder: string): boolean {
  return folder === folder.trim() && !/[\p{Cc}\uFFFD]|\$\{\{/u.test(folder);
}

function replaced(text: string, place: RegExp, by: string): string {
  if (!place.test(text)) throw new Error(`config/examples has no place like ${place}`);
  return text.replace(place, by);
}
