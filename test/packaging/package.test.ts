import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { oldestNode } from './older-node.ts';

const INSTALL_TIMEOUT_MS = 300_000;
const LEFT_OUT = ['.git', 'coverage', 'dist', 'lib', 'node_modules', 'test'];

describe('the package', () => {
  const older = oldestNode();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-package-'));
  const project = join(folder, 'project');
  const holdfast = join(project, 'node_modules/.bin/holdfast');

  beforeAll(() => {
    // Packed from a copy: packing builds, and others may be building here at the same time.
    const copy = join(folder, 'copy');
    cpSync(resolve('.'), copy, { recursive: true, filter: (path) => !LEFT_OUT.includes(relative(resolve('.'), path)) });
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
    npm(copy, 'pack', '--pack-destination', folder);
    const [file, ...others] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    if (file === undefined || others.length > 0) throw new Error('npm pack did not leave exactly one file');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "private": true }');
    npm(project, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', join(folder, file));
  }, INSTALL_TIMEOUT_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function npm(cwd: string, ...args: readonly string[]): void {
    // Packing asks for the Node of the project, as `npm run` does; installing takes the one that a user has.
    const path = [...(cwd === project ? [dirname(older.program)] : []), process.env['PATH'] ?? ''].join(delimiter);
    const env = { ...process.env, PATH: path };
    const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', env });
    if (status !== 0) throw new Error(`npm ${args[0]} ended with ${status}\n${stdout}${stderr}`);
  }

  /** Starts the installed command with the oldest Node there is, as a shell of its user would. */
  function run(...args: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(older.program, [holdfast, ...args], {
      cwd: project,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  it('tells its version under the Node that its user has', () => {
    expect(run('--version')).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  });

  it('writes the schema of the configuration', () => {
    const { status, stdout, stderr } = run('config', 'schema');

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
    });
  });

  it('ends with 2 for what its user can fix', () => {
    expect(run('relase')).toEqual({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('did you mean release?'),
    });
  });

  it('brings no sources, tests or tools of ours', () => {
    const brought = readdirSync(join(project, 'node_modules/holdfast'));

    expect(brought.sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'config', 'examples', 'lib', 'package.json'].filter((name) =>
        brought.includes(name),
      ),
    );
    expect(brought).toContain('lib');
  });
});
