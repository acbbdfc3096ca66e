// Our own rules for workflows: where the linters of others are silent or behind GitHub.
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';

const PINNED = /^[\w.-]+\/[\w.-]+(?:\/[^@]+)?@[0-9a-f]{40}$/;
/** Of this very repository: the same commit by nature. An example names ours before there is a commit to name. */
const OWN = /^\$\//;
const VERSION = /^[^#]*uses:\s*['"]?[^'"\s]+['"]?\s+# v\d+\.\d+\.\d+\s*$/;

/**
 * What a workflow does that ours may not, one line for each: `3:5 every job has timeout-minutes`.
 * `text` is the file; one that is no YAML is left to those who parse it.
 */
export function ruleProblems(text) {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  if (document.errors.length > 0 || !isMap(document.contents)) return [];
  const lines = text.split('\n');
  const problems = [];
  const tell = (node, message) => {
    const { line, col } = lineCounter.linePos(node?.range?.[0] ?? 0);
    problems.push({ line, text: `${line}:${col} ${message}` });
  };
  const lineOf = (node) => lines[lineCounter.linePos(node.range[0]).line - 1] ?? '';

  const root = document.contents;
  const top = root.get('permissions', true);
  if (!isMap(top) || top.items.length > 0) tell(top ?? root, 'the workflow starts with "permissions: {}"');
  for (const { key, value: job } of entriesOf(root.get('jobs', true))) {
    judgeJob({ name: key.value, key, job, tell, lineOf });
  }
  judgeConcurrency(root, tell);
  return problems.sort((a, b) => a.line - b.line).map((problem) => problem.text);
}

function judgeJob({ name, key, job, tell, lineOf }) {
  const uses = isMap(job) ? job.get('uses', true) : undefined;
  const permissions = isMap(job) ? job.get('permissions', true) : undefined;
  // A job that calls a workflow has the limits of that workflow's jobs; GitHub allows it none of its own.
  if (uses === undefined && !job?.has?.('timeout-minutes')) tell(key, `the job "${name}" has no timeout-minutes`);
  if (permissions === undefined) tell(key, `the job "${name}" does not say its permissions`);
  else if (!isMap(permissions)) tell(permissions, `the job "${name}" lists its permissions one by one`);
  for (const grant of entriesOf(permissions)) {
    if (!/ # \S/.test(lineOf(grant.key)))
      tell(grant.key, `the permission "${grant.key.value}" has no reason behind it`);
  }
  if (uses !== undefined) judgeUses(uses, tell, lineOf);
  const steps = isMap(job) ? job.get('steps', true) : undefined;
  for (const step of isSeq(steps) ? steps.items : []) judgeStep(step, tell, lineOf);
  judgeConcurrency(job, tell);
}

function judgeStep(step, tell, lineOf) {
  if (!isMap(step)) return;
  const uses = step.get('uses', true);
  if (uses !== undefined) judgeUses(uses, tell, lineOf);
  const run = step.get('run', true);
  if (String(run?.value ?? '').includes('${{'))
    tell(run, 'an expression stands inside of "run": hand it over by "env"');
  const isCheckout = String(uses?.value ?? '').startsWith('actions/checkout@');
  const inputs = step.get('with', true);
  if (isCheckout && (!isMap(inputs) || inputs.get('persist-credentials') !== false)) {
    tell(uses, 'the checkout keeps its credentials: say "persist-credentials: false"');
  }
}

function judgeUses(uses, tell, lineOf) {
  const name = String(uses.value);
  if (OWN.test(name)) return;
  if (!PINNED.test(name)) tell(uses, `"${name}" is not pinned to the 40 digits of a commit`);
  else if (!VERSION.test(lineOf(uses))) tell(uses, `the version of "${name}" is not told behind it, as in "# v1.2.3"`);
}

/** A queue holds one by default, and the next to come drops it: no release may vanish like that. */
function judgeConcurrency(holder, tell) {
  const concurrency = isMap(holder) ? holder.get('concurrency', true) : undefined;
  if (!isMap(concurrency)) return;
  const cancels = concurrency.get('cancel-in-progress') === true;
  const isLong = concurrency.get('queue') === 'max';
  if (cancels && isLong) tell(concurrency, '"queue: max" and "cancel-in-progress: true" contradict each other');
  if (!cancels && !isLong) tell(concurrency, 'what waits here may be dropped: say "queue: max"');
}

function entriesOf(map) {
  return isMap(map) ? map.items.filter(({ key }) => isScalar(key)) : [];
}
