import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/** Each import that must not be: the file that has it, the line, and the rule that refuses it. */
const FORBIDDEN: readonly { readonly rule: string; readonly file: string; readonly line: string }[] = [
  { rule: 'core-imports-only-zod', file: 'src/core/a.ts', line: "import 'yaml';" },
  { rule: 'core-imports-only-zod', file: 'src/core/b.ts', line: "import { createHash } from 'node:crypto';" },
  {
    rule: 'config-imports-core-and-settings',
    file: 'src/config/a.ts',
    line: "import { place } from '../deploy/place.ts';",
  },
  {
    rule: 'settings-import-only-settings',
    file: 'src/backup/settings.ts',
    line: "import { place } from '../backup/place.ts';",
  },
  { rule: 'report-imports-core', file: 'src/report/a.ts', line: "import type { place } from '../deploy/place.ts';" },
  {
    rule: 'platform-imports-node-actions-axios-core',
    file: 'src/platform/a.ts',
    line: "import { place } from '../machines/place.ts';",
  },
  {
    rule: 'holder-program-stands-alone',
    file: 'src/platform/holder-program.ts',
    line: "import { place } from './place.ts';",
  },
  {
    rule: 'engines-import-core-and-engines',
    file: 'src/checks/a.ts',
    line: "import type { place } from '../deploy/place.ts';",
  },
  {
    rule: 'capabilities-import-core-and-engines',
    file: 'src/deploy/a.ts',
    line: "import { place } from '../backup/place.ts';",
  },
  {
    rule: 'capabilities-import-core-and-engines',
    file: 'src/deploy/b.ts',
    line: "export const load = () => import('../backup/place.ts');",
  },
  {
    rule: 'pipeline-imports-capabilities',
    file: 'src/pipeline/a.ts',
    line: "import { place } from '../hosts/place.ts';",
  },
  {
    rule: 'hosts-import-platform-config-report-core',
    file: 'src/hosts/a.ts',
    line: "import { place } from '../deploy/place.ts';",
  },
  {
    rule: 'only-the-program-starts-from-actions',
    file: 'src/hosts/b.ts',
    line: "import { place } from '../../actions/main.ts';",
  },
  {
    rule: 'actions-import-no-effects-of-platform',
    file: 'actions/a.ts',
    line: "import { place } from '../src/platform/place.ts';",
  },
  { rule: 'platform-by-type-only', file: 'src/targets/a.ts', line: "import { place } from '../platform/place.ts';" },
  {
    rule: 'configuration-by-type-only',
    file: 'src/targets/b.ts',
    line: "import { place } from '../config/configuration.ts';",
  },
  {
    rule: 'codegen-is-imported-by-nobody',
    file: 'src/demo/a.ts',
    line: "import { place } from '../codegen/place.ts';",
  },
  { rule: 'demo-is-imported-by-actions', file: 'src/hosts/c.ts', line: "import { place } from '../demo/place.ts';" },
  {
    rule: 'effects-of-node-in-platform-and-hosts',
    file: 'src/sources/a.ts',
    line: "import { readFile } from 'node:fs/promises';",
  },
  {
    rule: 'effects-of-node-in-platform-and-hosts',
    file: 'src/validate/a.ts',
    line: "import { spawn } from 'child_process';",
  },
  { rule: 'effects-of-packages-in-platform-and-hosts', file: 'src/alert/a.ts', line: "import axios from 'axios';" },
  { rule: 'folders-of-src-are-known', file: 'src/novel/a.ts', line: "import { place } from '../core/place.ts';" },
  { rule: 'no-names-without-meaning', file: 'src/deploy/c.ts', line: "import { place } from './utils.ts';" },
  { rule: 'no-development-packages', file: 'src/stores/a.ts', line: "import 'fast-check';" },
  { rule: 'no-missing-files', file: 'src/stores/b.ts', line: "import './nowhere.ts';" },
];

/** Imports that look alike and are right. */
const ALLOWED: readonly { readonly file: string; readonly line: string }[] = [
  { file: 'src/targets/ok.ts', line: "import type { place } from '../platform/place.ts';" },
  { file: 'src/targets/ok-inline.ts', line: "import { type place } from '../platform/place.ts';" },
  { file: 'src/deploy/ok.ts', line: "import { place } from '../targets/place.ts';" },
  { file: 'src/deploy/ok-own.ts', line: "import { place } from './place.ts';" },
  { file: 'src/deploy/ok-pure.ts', line: "import { join } from 'node:path';" },
  { file: 'src/config/ok.ts', line: "import { place } from '../alert/settings.ts';" },
  { file: 'src/hosts/main.ts', line: "import { place } from '../../actions/main.ts';" },
  { file: 'src/pipeline/ok.ts', line: "import { place } from '../deploy/place.ts';" },
];

const FOLDERS = [
  'core config report platform checks machines targets stores sources deploy backup validate alert',
  'pipeline hosts demo codegen novel',
].flatMap((line) => line.split(' '));

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

function cruise(directory: string, folders: readonly string[]): readonly Violation[] {
  const program = resolve('node_modules/.bin/depcruise');
  // To a file: through a pipe, half of a long result can get lost when the tool ends.
  const result = join(tmpdir(), `holdfast-imports-${process.pid}.json`);
  rmSync(result, { force: true });
  const { stderr } = spawnSync(
    process.execPath,
    [program, '--config', '.dependency-cruiser.js', '--output-type', 'json', '--output-to', result, ...folders],
    { cwd: directory, encoding: 'utf8' },
  );
  if (!existsSync(result)) throw new Error(`dependency-cruiser wrote no result: ${stderr}`);
  const text = readFileSync(result, 'utf8');
  rmSync(result);
  return JSON.parse(text).summary.violations;
}

describe('import rules', () => {
  const root = resolve('.');
  const tree = mkdtempSync(join(tmpdir(), 'holdfast-imports-'));
  let violations: readonly Violation[] = [];

  beforeAll(() => {
    const write = (file: string, text: string) => {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), `${text}\n`);
    };
    cpSync(join(root, '.dependency-cruiser.js'), join(tree, '.dependency-cruiser.js'));
    cpSync(join(root, 'package.json'), join(tree, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    for (const folder of FOLDERS) write(`src/${folder}/place.ts`, 'export const place = 1;');
    write('src/config/configuration.ts', 'export const place = 1;');
    write('src/deploy/utils.ts', 'export const place = 1;');
    write('actions/main.ts', 'export const place = 1;');
    write('src/alert/settings.ts', 'export const place = 1;');
    write('src/machines/first.ts', "import { second } from './second.ts';\nexport const first = () => second;");
    write('src/machines/second.ts', "import { first } from './first.ts';\nexport const second = () => first;");
    write('src/stores/shape.ts', "import type { user } from './user.ts';\nexport type Shape = typeof user;");
    write('src/stores/user.ts', "import { type Shape } from './shape.ts';\nexport const user: Shape = 1;");
    for (const { file, line } of [...FORBIDDEN, ...ALLOWED]) write(file, line);
    violations = cruise(tree, ['src', 'actions']);
  });

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it.each(FORBIDDEN)('refuses, as $rule, in $file: $line', ({ rule, file }) => {
    const rules = violations.filter(({ from }) => from === file).map((violation) => violation.rule.name);

    expect(rules).toContain(rule);
  });

  it.each(ALLOWED)('allows in $file: $line', ({ file }) => {
    expect(violations.filter(({ from }) => from === file)).toEqual([]);
  });

  it('refuses cycles of values, not of types', () => {
    const cycles = violations.filter(({ rule }) => rule.name === 'no-cycles').map(({ from }) => from);

    // One entry for the whole cycle, at whichever of its files comes first; the cycle of types in src/stores is none.
    expect(cycles).toHaveLength(1);
    expect(cycles[0]).toMatch(/^src\/machines\/(?:first|second)[.]ts$/);
  });

  it('has a case for every rule', async () => {
    const file = pathToFileURL(join(root, '.dependency-cruiser.js')).href;
    const configuration: { default: { forbidden: readonly { name: string }[] } } = await import(file);
    const rules = configuration.default.forbidden.map(({ name }) => name);

    expect([...new Set([...FORBIDDEN.map(({ rule }) => rule), 'no-cycles'])].sort()).toEqual(rules.sort());
  });

  it('are kept by this repository', () => {
    const found = cruise(root, ['src', 'actions']).map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`);

    expect(found).toEqual([]);
  });
});
