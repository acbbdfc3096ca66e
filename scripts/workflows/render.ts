// The view of a workflow for runners that are behind GitHub: `act`, and GitHub Enterprise Server. It differs from the
// workflow in two things and in no other byte:
//
//     uses: $/actions/deploy                  uses: OWNER/holdfast/actions/deploy@<commit>
//     concurrency: { group: g, queue: max }   concurrency: { group: g }
//
// `node scripts/workflows/render.ts OWNER/REPOSITORY COMMIT FILE` prints the view of one file.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMap, isScalar, type Pair, parseDocument, visit, type YAMLMap } from 'yaml';

export interface Published {
  /** `owner/name` of the repository that holds the workflow and its actions. */
  readonly repository: string;
  /** The 40 hex digits of the commit at which it is called. */
  readonly commit: string;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Keys that these runners refuse, by the key above them. None of them changes what the steps of a job do. */
const UNKNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  concurrency: ['queue'],
  environment: ['deployment'],
  permissions: ['artifact-metadata', 'vulnerability-alerts', 'code-quality', 'copilot-requests', 'drives'],
};

const SELF = '$/';

/** The view of one workflow. Rendering a view once more changes nothing. Throws when the text is no YAML, or the commit no commit. */
export function renderView(workflow: string, { repository, commit }: Published): string {
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new Error(`a commit has 40 hexadecimal digits, "${commit}" does not`);
  const document = parseDocument(workflow);
  const [problem] = document.errors;
  if (problem !== undefined) throw new Error(`the workflow is not YAML: ${problem.message}`);
  const edits: Edit[] = [];
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key)) return;
      const key = String(pair.key.value);
      if (key === 'uses') edits.push(...pinSelf(pair, repository, commit));
      const refused = UNKNOWN_KEYS[key];
      if (refused !== undefined && isMap(pair.value)) edits.push(...dropKeys(pair.value, refused, workflow));
    },
  });
  return apply(workflow, edits);
}

function pinSelf(pair: Pair, repository: string, commit: string): Edit[] {
  const { value } = pair;
  if (!isScalar(value) || typeof value.value !== 'string' || !value.value.startsWith(SELF) || !value.range) return [];
  const [start, end] = value.range;
  return [{ start, end, text: `${repository}/${value.value.slice(SELF.length)}@${commit}` }];
}

function dropKeys(map: YAMLMap, refused: readonly string[], text: string): Edit[] {
  return map.items.flatMap((pair, index) => {
    if (!isScalar(pair.key) || !refused.includes(String(pair.key.value)) || !pair.key.range) return [];
    const start = pair.key.range[0];
    const end = endOf(pair) ?? pair.key.range[1];
    return [map.flow ? flowEdit(text, start, end, index) : lineEdit(text, start, end)];
  });
}

function endOf({ value }: Pair): number | undefined {
  return isScalar(value) || isMap(value) ? value.range?.[1] : undefined;
}

/** Whole lines: the key, its value and what is said behind it. */
function lineEdit(text: string, start: number, end: number): Edit {
  const lineFeed = text.indexOf('\n', end);
  return { start: text.lastIndexOf('\n', start - 1) + 1, end: lineFeed < 0 ? text.length : lineFeed + 1, text: '' };
}

/** The entry and the comma that parts it from its neighbour: the one before it, or for the first the one behind it. */
function flowEdit(text: string, start: number, end: number, index: number): Edit {
  if (index > 0) return { start: text.lastIndexOf(',', start), end, text: '' };
  const comma = /^\s*,\s*/.exec(text.slice(end));
  return { start, end: end + (comma?.[0].length ?? 0), text: '' };
}

function apply(text: string, edits: readonly Edit[]): string {
  // From the end, so that no edit moves the place of another.
  const ordered = [...edits].sort((a, b) => b.start - a.start);
  let view = text;
  for (const { start, end, text: replacement } of ordered) view = view.slice(0, start) + replacement + view.slice(end);
  return view;
}

const [, program, repository, commit, file] = process.argv;
if (program === fileURLToPath(import.meta.url)) {
  if (repository === undefined || commit === undefined || file === undefined) {
    console.error('usage: node scripts/workflows/render.ts OWNER/REPOSITORY COMMIT FILE');
    process.exitCode = 2;
  } else {
    process.stdout.write(renderView(readFileSync(file, 'utf8'), { repository, commit }));
  }
}
