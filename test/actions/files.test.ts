import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { published } from '../../actions/github.ts';
import { renderActionFiles } from '../../src/codegen/action-files.ts';
import { flagsOf } from '../../src/hosts/inputs.ts';
import { CommonInputs } from '../../src/hosts/runner-inputs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const Manifest = z.strictObject({
  name: z.string(),
  description: z.string(),
  inputs: z.record(
    z.string(),
    z.strictObject({ description: z.string(), required: z.boolean(), default: z.string().optional() }),
  ),
  outputs: z.record(z.string(), z.strictObject({ description: z.string() })),
  runs: z.strictObject({ using: z.literal('node24'), main: z.literal('index.js') }),
});

const actions = await Promise.all(
  Object.entries(published).map(async ([name, load]) => ({ name, action: await load() })),
);

describe.each(actions)('the action $name', ({ name, action }) => {
  it('has the files that its inputs generate', () => {
    for (const [path, text] of Object.entries(renderActionFiles(name, action))) {
      expect(readFileSync(join(root, path), 'utf8')).toBe(text);
    }
  });

  it('has a manifest with every input, kebab-case and described', () => {
    const manifest = Manifest.parse(parse(readFileSync(join(root, 'actions', name, 'action.yml'), 'utf8')));

    const own = flagsOf(action.inputs).map((flag) => flag.name);
    expect(Object.keys(manifest.inputs).sort()).toEqual(
      [...Object.keys(CommonInputs.shape), ...own.filter((input) => input !== 'yes')].sort(),
    );
    for (const [input, { description }] of Object.entries(manifest.inputs)) {
      expect(input).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
      // GitHub evaluates an expression wherever it finds one, and knows no context here.
      expect(description).toMatch(/^(?!.*\$\{\{).+/);
    }
  });

  it('has no input of its own with the name of a common one', () => {
    expect(Object.keys(action.inputs.shape).filter((input) => input in CommonInputs.shape)).toEqual([]);
  });
});

describe('the repository', () => {
  it('fails a step in one place', () => {
    const files = execFileSync('git', ['ls-files', '-z', 'src', 'actions', 'bin', 'scripts'], {
      cwd: root,
      encoding: 'utf8',
    });
    const calls = files
      .split('\0')
      .filter((path) => path !== '')
      .flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(/\bsetFailed\(/g)].map(() => path));

    expect(calls).toEqual(['src/hosts/runner.ts']);
  });

  it('publishes each folder of actions that has a manifest, and no other', () => {
    const folders = readdirSync(join(root, 'actions'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const withManifest = folders.filter(({ name }) => readdirSync(join(root, 'actions', name)).includes('action.yml'));

    expect(withManifest.map(({ name }) => name).sort()).toEqual(Object.keys(published).sort());
  });
});
