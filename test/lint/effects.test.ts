import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const RULE_OF_GLOBALS = 'lint/style/noRestrictedGlobals';

/** Code that reaches the world past Platform, and the rule that refuses it. */
const REFUSED: readonly { readonly code: string; readonly rule: string }[] = [
  { code: 'process.env["HOME"]', rule: RULE_OF_GLOBALS },
  { code: 'console.log', rule: RULE_OF_GLOBALS },
  { code: 'fetch("http://localhost")', rule: RULE_OF_GLOBALS },
  { code: 'setTimeout', rule: RULE_OF_GLOBALS },
  { code: 'setInterval', rule: RULE_OF_GLOBALS },
  { code: 'setImmediate', rule: RULE_OF_GLOBALS },
  { code: 'Date.now()', rule: 'plugin' },
  { code: '[0].map(Date.now)', rule: 'plugin' },
  { code: 'new Date()', rule: 'plugin' },
  { code: 'performance.now()', rule: 'plugin' },
  { code: 'Math.random()', rule: 'plugin' },
  { code: 'crypto.randomUUID()', rule: 'plugin' },
  { code: 'crypto.randomBytes(4)', rule: 'plugin' },
];

/** What looks alike and reaches nothing. */
const ALLOWED = ['new Date(0).toISOString()', 'Math.max(1, 2)', 'Date.UTC(2026, 1)'];

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string | { readonly file: string } };
}

function lint(directory: string): readonly { file: string; rule: string }[] {
  const { stdout, stderr } = spawnSync(resolve('node_modules/.bin/biome'), ['lint', '--reporter=json', 'src'], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (!stdout.startsWith('{')) throw new Error(`biome wrote no result: ${stderr}`);
  const diagnostics: readonly Diagnostic[] = JSON.parse(stdout).diagnostics;
  return diagnostics.map(({ category, location: { path } }) => ({
    file: typeof path === 'string' ? path : path.file,
    rule: category,
  }));
}

describe('effects outside of platform and hosts', () => {
  const tree = mkdtempSync(join(tmpdir(), 'holdfast-effects-'));
  let found: readonly { file: string; rule: string }[] = [];

  beforeAll(() => {
    const write = (file: string, text: string) => {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), `${text}\n`);
    };
    cpSync(resolve('biome.json'), join(tree, 'biome.json'));
    cpSync(resolve('scripts/lint'), join(tree, 'scripts/lint'), { recursive: true });
    symlinkSync(resolve('node_modules'), join(tree, 'node_modules'));
    for (const [index, { code }] of REFUSED.entries()) {
      write(`src/deploy/refused-${index}.ts`, `export const value = ${code};`);
      write(`src/platform/refused-${index}.ts`, `export const value = ${code};`);
    }
    for (const [index, code] of ALLOWED.entries()) {
      write(`src/deploy/allowed-${index}.ts`, `export const value = ${code};`);
    }
    write('src/deploy/barrel.ts', "export { value } from './allowed-0.ts';");
    write('src/deploy/CamelCase.ts', 'export const value = 1;');
    found = lint(tree);
  });

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it.each(REFUSED.map((refused, index) => ({ ...refused, index })))('refuses $code', ({ index, rule }) => {
    const rules = found.filter(({ file }) => file === `src/deploy/refused-${index}.ts`).map((one) => one.rule);

    expect(rules).toContain(rule);
  });

  it.each(ALLOWED.map((code, index) => ({ code, index })))('allows $code', ({ index }) => {
    expect(found.filter(({ file }) => file === `src/deploy/allowed-${index}.ts`)).toEqual([]);
  });

  it('allows all of them in platform', () => {
    expect(found.filter(({ file }) => file.startsWith('src/platform/'))).toEqual([]);
  });

  it('refuses files that only pass on what other files export', () => {
    expect(found).toContainEqual({ file: 'src/deploy/barrel.ts', rule: 'lint/performance/noBarrelFile' });
  });

  it('refuses file names that are not kebab-case', () => {
    expect(found).toContainEqual({ file: 'src/deploy/CamelCase.ts', rule: 'lint/style/useFilenamingConvention' });
  });
});
