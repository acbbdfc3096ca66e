import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { githubCache } from '../../src/platform/github-cache.ts';
import { aCacheServer, type CacheServer } from '../support/github/cache.ts';
import { aFolder } from '../support/machine.ts';

let server: CacheServer;
let root: string;
const before = { ...process.env };

beforeEach(async () => {
  server = await aCacheServer();
  root = await aFolder('holdfast-[cache]*-');
  Object.assign(process.env, {
    ACTIONS_CACHE_SERVICE_V2: 'true',
    ACTIONS_RESULTS_URL: server.url,
    ACTIONS_RUNTIME_TOKEN: 'the-token',
    GITHUB_WORKSPACE: '/the/workspace',
    RUNNER_TEMP: await aFolder(),
  });
  // The client tells the log of the job what it does.
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  await server.close();
});

const cache = async () => githubCache(process.env, await aFolder());
const entry = () => ({ key: 'holdfast-shop-web-1', root, paths: ['node_modules', 'apps/web/.cache'] });
const KEY = `holdfast-shop-web-1-${process.platform}-${process.arch}`;

async function write(path: string, text = 'x'): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

describe('the cache of GitHub', () => {
  it('gives back what was saved, with modes and links, into another folder', async () => {
    await write(join(root, 'node_modules/a b/index.js'), 'content');
    await write(join(root, 'apps/web/.cache/deep/file'));
    await chmod(join(root, 'node_modules/a b/index.js'), 0o755);
    await symlink('a b', join(root, 'node_modules/link'));
    await write(join(root, 'not-cached'));
    const into = await aFolder();

    const isSaved = await (await cache()).save(entry());
    const isFound = await (await cache()).restore(entry(), into);

    expect({ isSaved, isFound }).toEqual({ isSaved: true, isFound: true });
    expect(server.asked.map((each) => each.split(' ')[1])).toEqual([KEY, KEY, KEY]);
    expect((await readdir(into)).sort()).toEqual(['apps', 'node_modules']);
    expect((await stat(join(into, 'node_modules/a b/index.js'))).mode & 0o777).toBe(0o755);
    expect(await readFile(join(into, 'node_modules/a b/index.js'), 'utf8')).toBe('content');
    expect(await readlink(join(into, 'node_modules/link'))).toBe('a b');
  });

  it('answers that there is nothing, or that it was there already', async () => {
    await write(join(root, 'node_modules/a'));

    expect(await (await cache()).restore(entry(), await aFolder())).toBe(false);
    expect(await (await cache()).save(entry())).toBe(true);
    expect(await (await cache()).save(entry())).toBe(false);
  });

  it('leaves the variables of this process as they were', async () => {
    const { PATH, GITHUB_WORKSPACE } = process.env;

    await (await cache()).restore(entry(), await aFolder());
    await expect((await cache()).save(entry())).rejects.toThrow();

    expect({ PATH: process.env['PATH'], GITHUB_WORKSPACE: process.env['GITHUB_WORKSPACE'] }).toEqual({
      PATH,
      GITHUB_WORKSPACE,
    });
  });

  it('rejects where a runner has none, and where nothing is there to save', async () => {
    await expect((await cache()).save(entry())).rejects.toThrow('do(es) not exist');
    delete process.env['ACTIONS_RESULTS_URL'];
    await expect((await cache()).restore(entry(), await aFolder())).rejects.toMatchObject({
      code: 'cache-unavailable',
    });
  });

  it('rejects for a folder that the client would take apart', async () => {
    const folder = await aFolder('holdfast cache-');

    await expect((await cache()).restore(entry(), folder)).rejects.toMatchObject({ code: 'cache-unavailable' });
    await expect((await cache()).save({ ...entry(), root: folder })).rejects.toMatchObject({
      code: 'cache-unavailable',
    });
  });

  it('rejects where tar is not that of GNU', async () => {
    const bin = await aFolder();
    await writeFile(join(bin, 'tar'), '#!/bin/sh\necho bsdtar 3.7\n', { mode: 0o755 });
    const other = { ...process.env, PATH: `${bin}:/usr/bin:/bin` };
    const path = process.env['PATH'];
    process.env['PATH'] = other.PATH;
    try {
      await expect(githubCache(other, await aFolder()).restore(entry(), await aFolder())).rejects.toThrow(
        'not that of GNU',
      );
    } finally {
      process.env['PATH'] = path;
    }
  });
});

describe('an entry that somebody else made', () => {
  /** Made by GNU tar as the client makes it: with names as they are. */
  async function poison(make: (folder: string) => Promise<string[]>): Promise<string> {
    const folder = await aFolder();
    const args = await make(folder);
    const archive = join(await aFolder(), 'cache.tzst');
    execFileSync('tar', ['--use-compress-program', 'zstdmt', '-cf', archive, '-P', '-C', folder, ...args]);
    server.entries.set(KEY, await readFile(archive));
    return folder;
  }

  it.each([
    {
      name: 'an absolute name',
      async make(_: string, outside: string) {
        await write(join(outside, 'absolute'), 'evil');
        return [join(outside, 'absolute')];
      },
    },
    {
      name: 'a name that leads out',
      async make(folder: string) {
        await write(join(folder, 'victim'), 'evil');
        return ['--transform', 's,^victim,../victim,', 'victim'];
      },
    },
    {
      name: 'a file behind a link that leads out',
      async make(folder: string, outside: string) {
        await symlink(outside, join(folder, 'link'));
        await write(join(folder, 'behind'), 'evil');
        return ['--transform', 's,^behind,link/behind,', 'link', 'behind'];
      },
    },
  ])('writes nothing outside with $name', async ({ make }) => {
    const outside = await aFolder();
    await poison((folder) => make(folder, outside));
    for (const name of await readdir(outside)) execFileSync('rm', [join(outside, name)]);
    const parent = await aFolder();
    await mkdir(join(parent, 'into'));

    await (await cache()).restore(entry(), join(parent, 'into'));

    expect(await readdir(outside)).toEqual([]);
    expect(await readdir(parent)).toEqual(['into']);
  });

  it('is refused with a service that fails', async () => {
    await server.close();
    server = await aCacheServer(() => 403);
    process.env['ACTIONS_RESULTS_URL'] = server.url;

    expect(await (await cache()).restore(entry(), await aFolder())).toBe(false);
  });
});
