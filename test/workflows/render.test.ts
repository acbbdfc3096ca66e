import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { renderView } from '../../scripts/workflows/render.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const published = { repository: 'acme/holdfast', commit: COMMIT };

const ROOT = join(import.meta.dirname, '../..');

describe('the view of a workflow for act and GitHub Enterprise Server', () => {
  const cases = [
    {
      name: 'an action of the same repository, as a step',
      workflow: '      - uses: $/actions/deploy # the step\n',
      view: `      - uses: acme/holdfast/actions/deploy@${COMMIT} # the step\n`,
    },
    {
      name: 'a workflow of the same repository, quoted',
      workflow: "  a:\n    uses: '$/.github/workflows/release.yml'\n",
      view: `  a:\n    uses: acme/holdfast/.github/workflows/release.yml@${COMMIT}\n`,
    },
    { name: 'actions of others', workflow: 'uses: actions/checkout@v7\n', view: 'uses: actions/checkout@v7\n' },
    {
      name: 'the length of a queue, in lines',
      workflow: 'concurrency:\n  group: a\n  queue: max # all of them wait\n  cancel-in-progress: false\n',
      view: 'concurrency:\n  group: a\n  cancel-in-progress: false\n',
    },
    {
      name: 'the length of a queue, last in braces',
      workflow: 'concurrency: { group: a, queue: max }\n',
      view: 'concurrency: { group: a }\n',
    },
    {
      name: 'the length of a queue, first in braces',
      workflow: 'concurrency: { queue: max, group: a }\n',
      view: 'concurrency: { group: a }\n',
    },
    {
      name: 'who owns the deployment',
      workflow: 'environment:\n  name: ${{ inputs.environment }}\n  deployment: false\nsteps: []\n',
      view: 'environment:\n  name: ${{ inputs.environment }}\nsteps: []\n',
    },
    {
      name: 'a permission that is new',
      workflow: 'permissions:\n  artifact-metadata: read # why\n  contents: read # why\n',
      view: 'permissions:\n  contents: read # why\n',
    },
    {
      name: 'the same words where they mean something else',
      workflow: 'with:\n  queue: max\n  deployment: "$/x"\nrun: |\n  uses: $/actions/x\n',
      view: 'with:\n  queue: max\n  deployment: "$/x"\nrun: |\n  uses: $/actions/x\n',
    },
  ];
  it.each(cases)('$name', ({ workflow, view }) => {
    expect(renderView(workflow, published)).toBe(view);
  });

  it('is left as it is when it is rendered again', () => {
    const view = renderView(cases.map(({ workflow }, index) => `k${index}:\n${indent(workflow)}`).join(''), published);

    expect(renderView(view, published)).toBe(view);
  });

  it('refuses a commit that is not one, and a text that is not YAML', () => {
    expect(() => renderView('a: 1\n', { ...published, commit: 'main' })).toThrow('40 hexadecimal digits');
    expect(() => renderView('a: {\n', published)).toThrow('not YAML');
  });
});

const own = readdirSync(join(ROOT, '.github/workflows')).filter((name) => name.endsWith('.yml'));

describe.each(own)('the view of %s', (name) => {
  const workflow = readFileSync(join(ROOT, '.github/workflows', name), 'utf8');

  it('differs in lines that name an action of this repository or a key that is unknown there, and in no other', () => {
    const view = renderView(workflow, published);

    const left = new Set(view.split('\n'));
    const changed = workflow.split('\n').filter((line) => !left.has(line));
    for (const line of changed) {
      expect(line).toMatch(/uses: ['"]?\$\/|\bqueue: |\bdeployment: |^ +(?:artifact-metadata|vulnerability-alerts): /);
    }
    const back = view.replaceAll(new RegExp(`${published.repository}/([^@\\s]+)@${COMMIT}`, 'g'), '$/$1');
    expect(workflow.split('\n')).toEqual(expect.arrayContaining(back.split('\n').filter((line) => !/[{}]/.test(line))));
    expect(parse(view)).toBeDefined();
  });
});

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
