import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { published } from '../../actions/github.ts';
import { Report } from '../../src/core/report.ts';
import { OUTPUTS } from '../../src/hosts/runner-outputs.ts';
import { aShop } from '../support/shop.ts';
import { runStepProcess } from './runner-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'holdfast-export-'));
const exported = join(folder, 'published');

beforeAll(() => run('export.js', '--out', exported), 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', script), ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${script} ended with ${status}: ${stdout}${stderr}`);
}

/** Every file below a folder with the digest of its content. */
function digests(of: string): Record<string, string> {
  const files = readdirSync(of, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(of.length), createHash('sha256').update(readFileSync(path)).digest('hex')];
    }),
  );
}

/** Notes its own process and the one that holds its socket, so that the test can end both. */
const LISTENS_ON_DESCRIPTOR = `
const server = require('node:http').createServer((request, response) => response.end(process.env.HOLDFAST_VERSION));
server.listen({ fd: 3 }, () => require('node:fs').writeFileSync(process.env.PIDS, process.pid + ' ' + process.ppid));
process.on('SIGTERM', () => process.exit());
`;

const ONE_SOCKET = `version: 1
services:
  web:
    artifact: build
    run: { command: [node, server.cjs], port: PORT, strategy: socket }
    env: { PIDS: ../../../../pids }
    health: { path: /, streak: 1, version: { path: / } }
environments:
  local: { target: { kind: directory, path: environment } }
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const stub = (name: string) => join(exported, 'actions', name, 'index.js');

describe('what is published', () => {
  it('is the actions, their bundle with the licenses, the schema, and no source', () => {
    const files = Object.keys(digests(exported));

    for (const name of Object.keys(published)) {
      for (const file of ['action.yml', 'index.js', 'README.md']) expect(files).toContain(`/actions/${name}/${file}`);
    }
    for (const file of [
      '/dist/index.js',
      '/dist/holder-program.js',
      '/dist/licenses.txt',
      '/config/schema.json',
      '/LICENSE',
    ]) {
      expect(files).toContain(file);
    }
    expect(files.filter((file) => /\.ts$|node_modules|^\/(?:src|test)\//.test(file))).toEqual([]);
  });

  it('is the same to the byte when the bundle is built again', () => {
    run('bundle.js', '--out', join(folder, 'again'));

    expect(digests(join(folder, 'again'))).toEqual(digests(join(exported, 'dist')));
  }, 120_000);

  it('does not tell where it was built', () => {
    const texts = readdirSync(join(exported, 'dist')).map((name) => readFileSync(join(exported, 'dist', name), 'utf8'));

    expect(texts.filter((text) => text.includes(root) || text.includes('.cache/bundle'))).toEqual([]);
  });
});

describe('each stub of the export, run as GitHub runs it', () => {
  it.each(Object.keys(published).filter((name) => name !== 'alert'))(
    '%s sets every output and fails the step when there is no configuration',
    async (name) => {
      const workspace = mkdtempSync(join(folder, 'empty-'));

      const { status, outputs, summary, stdout, stderr } = await runStepProcess(stub(name), {
        workspace,
        temporary: folder,
        inputs: { version: 'v1', config: 'holdfast.yml', variables: '{}' },
      });

      expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
      expect(Object.keys(outputs).sort()).toEqual(Object.keys(OUTPUTS).sort());
      expect(outputs).toMatchObject({ decision: 'stop', reason: 'no-configuration' });
      expect(Report.parse(JSON.parse(readFileSync(outputs['report'] ?? '', 'utf8'))).action).toBe(name);
      expect(summary).toContain('holdfast.yml does not exist');
      expect(stdout).toMatch(/^::error::.*holdfast\.yml does not exist/m);
    },
  );

  it('alert sets every output without a configuration too, and fails the step because nobody could be told', async () => {
    const { status, outputs, stdout } = await runStepProcess(stub('alert'), {
      workspace: mkdtempSync(join(folder, 'empty-')),
      temporary: folder,
      inputs: { needs: '{}', config: 'holdfast.yml', variables: '{}' },
    });

    expect(status).toBe(1);
    expect(Object.keys(outputs).sort()).toEqual(Object.keys(OUTPUTS).sort());
    expect(outputs).toMatchObject({ decision: 'stop', reason: 'not-started' });
    expect(stdout).toContain('holdfast.yml does not exist');
  });

  it('holds the socket of a service with the program beside the bundle', async () => {
    const workspace = mkdtempSync(join(folder, 'socket-'));
    mkdirSync(join(workspace, 'build'));
    writeFileSync(join(workspace, 'build/server.cjs'), LISTENS_ON_DESCRIPTOR);
    writeFileSync(join(workspace, 'holdfast.yml'), ONE_SOCKET.replace('PORT', String(await freePort())));
    const step = () =>
      runStepProcess(stub('release'), {
        workspace,
        temporary: folder,
        inputs: { version: 'v1', 'working-directory': '.' },
      });

    const { status, outputs } = await step();
    const pids = [...readFileSync(join(workspace, 'pids'), 'utf8').matchAll(/\d+/g)]
      .map(([pid]) => Number(pid))
      .filter((pid) => pid > 1);
    for (const pid of pids) process.kill(pid, 'SIGKILL');

    expect({ status, reason: outputs['reason'] }).toEqual({ status: 0, reason: 'released' });
  }, 60_000);

  it('releases, rolls back and says nothing of its secrets', async () => {
    const shop = await aShop();
    try {
      await shop.build('v1');
      await shop.build('v2');
      const step = (name: string, version: string) =>
        runStepProcess(stub(name), {
          workspace: shop.folder,
          temporary: folder,
          inputs: {
            ...(name === 'rollback' ? {} : { version }),
            secrets: `SIGNING_KEY: ${JSON.stringify('sentinel "4711"\nof the shop')}`,
            variables: JSON.stringify({ VERSION: version }),
          },
        });

      const first = await step('release', 'v1');
      const second = await step('release', 'v2');
      const back = await step('rollback', 'v2');

      expect([first, second, back].map(({ status, outputs }) => [status, outputs['reason']])).toEqual([
        [0, 'released'],
        [0, 'released'],
        [0, 'rolled-back'],
      ]);
      expect(await shop.ask('web', '/version')).toBe('v1');
      expect(first.outputs['release']).toMatch(/^r-/);
      expect(JSON.parse(second.outputs['record'] ?? '')).toMatchObject({ record: { live: { version: 'v2' } } });
      for (const { stdout, summary, outputs } of [first, second, back]) {
        const report = readFileSync(outputs['report'] ?? '', 'utf8');
        const seen = stdout.replace(/^::add-mask::.*$/gm, '') + summary + JSON.stringify(outputs) + report;
        expect(seen).not.toContain('4711');
      }
    } finally {
      await shop.close();
    }
  }, 120_000);
});
