// GitHub's own reading of a workflow: what its service would refuse when the file is pushed.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

// The package is written for bundlers: it imports JSON without saying that it is JSON.
registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
});
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import('@actions/workflow-parser');

/** Errors as values: what else is wrong with the file is told too. */
const COLLECT_ERRORS = 1;

/** What GitHub's parser says of a file, one line for each problem. */
export async function parseProblems(file) {
  const { value, context } = parseWorkflow(
    { name: file, content: readFileSync(file, 'utf8') },
    new NoOperationTraceWriter(),
  );
  const problems = context.errors.getErrors().map(({ message }) => message);
  if (value !== undefined) {
    const options = { errorPolicy: COLLECT_ERRORS };
    const { errors = [] } = await convertWorkflowTemplate(context, value, undefined, options);
    problems.push(...errors.map(({ Message }) => Message));
  }
  return [...new Set(problems)];
}
