import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { callProblems } from '../../scripts/workflows/calls.js';
import { ruleProblems } from '../../scripts/workflows/rules.js';
import { allPages, type FencedBlock, pageAt } from './pages.ts';

/** YAML that is no configuration: a workflow, jobs of one, or steps of one. */
const blocks = allPages().flatMap(({ path, blocks: found }) =>
  found.filter(({ info }) => info[0] === 'yml').map((block) => ({ ...block, name: `${path}:${block.line}` })),
);
const workflows = blocks.filter(({ text }) => /^permissions:/m.test(text));

const Step = z.looseObject({ uses: z.string().optional(), with: z.record(z.string(), z.unknown()).optional() });
const Jobs = z.looseObject({ jobs: z.record(z.string(), z.looseObject({ steps: z.array(Step).optional() })) });
const Interface = z.looseObject({
  inputs: z.record(z.string(), z.looseObject({ required: z.boolean().optional() })).optional(),
});
const OWN_ACTION = /^OWNER\/holdfast\/(actions\/[\w-]+)@0{40}$/;

describe('the workflows of the documentation', () => {
  it.each(blocks)('$name gives each action of ours inputs that it has', ({ text }) => {
    expect(stepsOf(text).flatMap(inputProblems)).toEqual([]);
  });

  it.each(blocks)('$name calls our workflows as they are called', ({ text }) => {
    expect(callProblems(text, readOurs)).toEqual([]);
  });

  it.each(workflows)('$name obeys our own rules', ({ text }) => {
    expect(ruleProblems(text)).toEqual([]);
  });

  it.each(['README.md', 'docs/github-actions.md'])('begin in %s with the example to copy, as it is', (path) => {
    const caller = pageAt(path).blocks.find(({ info, text }) => info[0] === 'yml' && text.includes('uses:'));

    expect(withoutFirstLine(caller)).toBe(
      withoutFirstLine({ text: readFileSync('config/examples/release.yml', 'utf8') }),
    );
  });

  it('would be refused with a mistake in them', () => {
    const step =
      '- uses: OWNER/holdfast/actions/deploy@0000000000000000000000000000000000000000\n  with: { verison: v1 }\n';

    expect(stepsOf(step).flatMap(inputProblems)).toEqual([
      'actions/deploy has no input verison',
      'actions/deploy needs version',
    ]);
  });

  it('are found', () => {
    expect(workflows.length).toBeGreaterThan(1);
    expect(blocks.flatMap(({ text }) => stepsOf(text)).length).toBeGreaterThan(10);
  });
});

function stepsOf(text: string): z.infer<typeof Step>[] {
  const value: unknown = parse(text);
  const steps = z.array(Step).safeParse(value).data;
  return steps ?? Object.values(Jobs.parse(value).jobs).flatMap((job) => job.steps ?? []);
}

function inputProblems({ uses = '', with: given = {} }: z.infer<typeof Step>): string[] {
  const [, action] = OWN_ACTION.exec(uses) ?? [];
  if (action === undefined) return uses.startsWith('OWNER/') ? [`${uses} is no action of ours`] : [];
  const { inputs = {} } = Interface.parse(parse(readFileSync(join(action, 'action.yml'), 'utf8')));
  const unknown = Object.keys(given).filter((name) => inputs[name] === undefined);
  const missing = Object.keys(inputs).filter((name) => inputs[name]?.required === true && !(name in given));
  return [
    ...unknown.map((name) => `${action} has no input ${name}`),
    ...missing.map((name) => `${action} needs ${name}`),
  ];
}

function readOurs(name: string): string | undefined {
  const path = join('.github/workflows', name);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** The comment that says where it is copied to. */
function withoutFirstLine(block: Pick<FencedBlock, 'text'> | undefined): string {
  return (block?.text ?? '').replace(/^#.*\n/, '');
}
