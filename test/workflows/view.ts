import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import { z } from 'zod';
import { renderView } from '../../scripts/workflows/render.ts';

/** A job at the end of a workflow that hands the results of all others to the loopback GitHub. */
export const REPORTING_JOB = 'results-for-the-test';

const WORKFLOWS = '.github/workflows';

/** The workflow with one more job, which runs whatever became of the others. A caller of a failing workflow is never told by act. */
export function withReport(workflow: string, address: string): string {
  const document = parseDocument(workflow);
  const jobs = document.get('jobs', true);
  if (!isMap(jobs) || !jobs.range) throw new Error('the workflow has no jobs');
  const names = jobs.items.map(({ key }) => String(isScalar(key) ? key.value : key));
  const indent = ' '.repeat(columnOf(workflow, jobs.range[0]));
  const lines = [
    `${REPORTING_JOB}:`,
    `  needs: [${names.join(', ')}]`,
    '  if: ${{ always() }}',
    '  runs-on: ubuntu-24.04',
    '  steps:',
    '    - env:',
    '        NEEDS: ${{ toJSON(needs) }}',
    `      run: node -e 'fetch("${address}",{method:"POST",body:process.env.NEEDS}).then(r=>process.exit(r.ok?0:1))'`,
  ];
  const end = jobs.range[2];
  const before = workflow.slice(0, end);
  const added = lines.map((line) => `${indent}${line}\n`).join('');
  return `${before}${before.endsWith('\n') ? '' : '\n'}${added}${workflow.slice(end)}`;
}

/** Jobs with steps of a workflow that may ask GitHub who they are. */
export function jobsWithIdentity(workflow: string): string[] {
  const Job = z.object({ permissions: z.unknown().optional(), uses: z.string().optional() });
  const { jobs } = z.object({ jobs: z.record(z.string(), Job) }).parse(parse(workflow));
  const Grant = z.object({ 'id-token': z.literal('write') });
  return Object.entries(jobs).flatMap(([name, { permissions }]) =>
    Grant.safeParse(permissions).success ? [name] : [],
  );
}

/** Turns each workflow below a folder into the view that act understands, with its report. Answers their texts by file name. */
export function renderFolder(
  folder: string,
  published: { readonly repository: string; readonly commit: string },
  addressOf: (name: string) => string,
): Record<string, string> {
  const at = join(folder, WORKFLOWS);
  mkdirSync(at, { recursive: true });
  const views = readdirSync(at)
    .filter((name) => name.endsWith('.yml'))
    .map((name) => {
      const view = renderView(readFileSync(join(at, name), 'utf8'), published);
      return [name, withReport(view, addressOf(name))] as const;
    });
  for (const [name, view] of views) writeFileSync(join(at, name), view);
  return Object.fromEntries(views);
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}
