import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { withBuildCache } from '../../src/deploy/build-cache.ts';
import type { BuildCache, CacheEntry } from '../../src/platform/build-cache.ts';
import { silentLog } from '../../src/platform/log.ts';
import { aBuiltShop, type BuiltShop } from '../support/built-shop.ts';
import { aFolder } from '../support/machine.ts';
import { aPlatform } from '../support/platform.ts';

const CACHED = `  web:
    build:
      command: [node, build.cjs, out/web]
      output: out/web
      cache: { paths: [node_modules, apps/web/.cache], key: [lock.json] }
    run: { command: [./run] }`;

let shop: BuiltShop;
let warnings: string[];
let asked: string[];

beforeEach(async () => {
  shop = await aBuiltShop({ services: CACHED });
  await writeFile(join(shop.folder, 'lock.json'), '{"left-pad": 1}');
  warnings = [];
  asked = [];
});

/** A cache that writes what it is told to, whatever that is. */
function aCache(fill: (into: string) => Promise<boolean>, changes: Partial<BuildCache> = {}): BuildCache {
  return {
    async restore({ key }, into) {
      asked.push(`restore ${key}`);
      return await fill(into);
    },
    async save({ key }: CacheEntry) {
      asked.push(`save ${key}`);
      return true;
    },
    ...changes,
  };
}

async function run(buildCache: BuildCache | undefined, build = async () => void asked.push('build')): Promise<void> {
  const log = { ...silentLog(), warn: (message: string) => void warnings.push(message) };
  const platform = aPlatform({ log, ...(buildCache === undefined ? {} : { buildCache }) });
  await withBuildCache('web', shop.configuration, platform, build);
}

const nothing = async () => false;

async function write(path: string, text = 'cached'): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

describe('a build with a cache', () => {
  it('begins with what an earlier run left, and does not save it again', async () => {
    await run(
      aCache(async (into) => {
        await write(join(into, 'node_modules/left-pad/index.js'));
        await write(join(into, 'node_modules/.bin/pad'), '#!/bin/sh');
        await chmod(join(into, 'node_modules/.bin/pad'), 0o755);
        await symlink('.bin/pad', join(into, 'node_modules/pad'));
        await write(join(into, 'apps/web/.cache/a'));
        return true;
      }),
    );

    expect(asked.map((each) => each.split(' ')[0])).toEqual(['restore', 'build']);
    expect((await stat(join(shop.folder, 'node_modules/pad'))).mode & 0o777).toBe(0o755);
    expect(await readFile(join(shop.folder, 'apps/web/.cache/a'), 'utf8')).toBe('cached');
    expect((await readdir(shop.folder)).filter((name) => name.startsWith('.holdfast'))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('saves what it left when there was nothing, under a name made of project, service and key files', async () => {
    await run(aCache(nothing));
    await run(aCache(nothing));
    await writeFile(join(shop.folder, 'lock.json'), '{"left-pad": 2}');
    await run(aCache(nothing));

    const keys = asked.filter((each) => each.startsWith('save')).map((each) => each.slice('save '.length));
    expect(asked.slice(0, 3).map((each) => each.split(' ')[0])).toEqual(['restore', 'build', 'save']);
    expect(keys[0]).toMatch(/^holdfast-shop-web-[0-9a-f]{64}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('saves nothing when the build fails', async () => {
    const failing = async () => {
      throw new Error('the build failed');
    };

    await expect(run(aCache(nothing), failing)).rejects.toThrow('the build failed');

    expect(asked.filter((each) => each.startsWith('save'))).toEqual([]);
  });

  it('leaves what lies there already', async () => {
    await write(join(shop.folder, 'node_modules/own'), 'own');

    await run(aCache(async (into) => write(join(into, 'node_modules/own'), 'other').then(() => true)));

    expect(asked.map((each) => each.split(' ')[0])).toEqual(['build', 'save']);
    expect(await readFile(join(shop.folder, 'node_modules/own'), 'utf8')).toBe('own');
  });

  it('runs as ever where there is no cache, or none is configured', async () => {
    await run(undefined);
    shop = await aBuiltShop();
    await run(aCache(nothing));

    expect(asked).toEqual(['build', 'build']);
  });
});

describe('a cache that fails', () => {
  it.each([
    { name: 'to restore', changes: { restore: () => Promise.reject(new Error('no answer')) } },
    { name: 'to save', changes: { save: () => Promise.reject(new Error('no answer')) } },
  ])('$name is a warning', async ({ changes }) => {
    await run(aCache(nothing, changes));

    expect(asked).toContain('build');
    expect(warnings).toEqual([expect.stringMatching(/^the cache of web was not (used|saved): no answer$/)]);
  });

  it('is a warning when a key file is missing', async () => {
    shop = await aBuiltShop({ services: CACHED });

    await run(aCache(nothing));

    expect(asked).toEqual(['build']);
    expect(warnings).toEqual(['the cache of web has no key: there is no lock.json']);
  });

  it('ends the run that shall end', async () => {
    const signal = AbortSignal.abort();
    const log = { ...silentLog(), warn: (message: string) => void warnings.push(message) };
    const buildCache = aCache(() => Promise.reject(new Error('ended')));

    await expect(
      withBuildCache('web', shop.configuration, aPlatform({ log, buildCache, signal }), async () => {}),
    ).rejects.toThrow('ended');
  });
});

describe('a cache that somebody else filled', () => {
  it.each([
    { name: 'more than was asked for', fill: (into: string) => write(join(into, 'build.cjs'), 'evil') },
    { name: 'more beside what was asked for', fill: (into: string) => write(join(into, 'apps/web/server.js'), 'evil') },
    { name: 'a hook of Git', fill: (into: string) => write(join(into, 'node_modules/.git/hooks/pre-commit'), 'evil') },
    { name: 'a link that leads out', fill: (into: string) => aLink(into, 'node_modules/out', '../../outside') },
    { name: 'an absolute link', fill: (into: string) => aLink(into, 'node_modules', '/etc') },
    { name: 'a pipe', fill: (into: string) => aPipe(into) },
    { name: 'a setuid file', fill: (into: string) => aSetuidFile(into) },
  ])('takes over nothing of $name', async ({ fill }) => {
    const before = await readdir(shop.folder);

    await run(aCache(async (into) => fill(into).then(() => true)));

    expect(await readdir(shop.folder)).toEqual(before);
    expect(warnings).toEqual([expect.stringMatching(/^the cache of web was not used: /)]);
    expect(asked).toContain('build');
  });

  it('is not saved from behind a link that leads out', async () => {
    const outside = await aFolder();
    await mkdir(join(outside, 'web'));
    await symlink(outside, join(shop.folder, 'apps'));

    await run(aCache(nothing));

    expect(asked.filter((each) => each.startsWith('save'))).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('was not saved: apps/web')]);
  });
});

async function aLink(into: string, path: string, target: string): Promise<void> {
  await mkdir(dirname(join(into, path)), { recursive: true });
  await symlink(target, join(into, path));
}

async function aPipe(into: string): Promise<void> {
  await mkdir(join(into, 'node_modules'));
  execFileSync('mkfifo', [join(into, 'node_modules/pipe')]);
}

async function aSetuidFile(into: string): Promise<void> {
  await write(join(into, 'node_modules/su'));
  await chmod(join(into, 'node_modules/su'), 0o4755);
}
