import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from '@jest/globals';
import { packTar } from 'modern-tar';
import type { Files } from '../../src/platform/files.ts';
import { digestFolder, stageArtifact } from '../../src/targets/directory/artifact.ts';
import { aFolder, aMachine } from '../support/machine.ts';

async function aBuild(): Promise<string> {
  const folder = await aFolder();
  await mkdir(join(folder, 'lib', 'deep'), { recursive: true });
  await mkdir(join(folder, 'data'));
  await mkdir(join(folder, '.git'));
  await writeFile(join(folder, 'server.js'), 'console.log(1)');
  await writeFile(join(folder, 'lib', 'deep', 'größe 1.txt'), 'x'.repeat(70_000));
  await writeFile(join(folder, 'data', 'development.db'), 'not for production');
  await writeFile(join(folder, '.git', 'config'), 'history');
  await writeFile(join(folder, 'start'), '#!/bin/sh');
  await chmod(join(folder, 'start'), 0o755);
  await symlink('lib/deep', join(folder, 'link'));
  return folder;
}

/** The same files, reached as over a connection that takes one stream. */
function farAway(files: Files): Files {
  return {
    ...files,
    async unpack(archive, into) {
      const tar = spawn('tar', ['-xpm', '-f', '-', '-C', into], { stdio: ['pipe', 'ignore', 'inherit'] });
      const ended = new Promise<number | null>((resolve) => tar.once('close', resolve));
      await pipeline(archive, tar.stdin);
      if ((await ended) !== 0) throw new Error('tar failed');
    },
  };
}

describe('staging an artifact', () => {
  it('gives the same digest and files from a folder, .tar, .tar.gz and .tar.zst, file by file and in one stream', async () => {
    const build = await aBuild();
    const place = await aFolder();
    for (const [name, flag] of [
      ['a.tar', ''],
      ['a.tar.gz', '--gzip'],
      ['a.tar.zst', '--zstd'],
    ] as const) {
      execFileSync('tar', [
        '-C',
        build,
        '--exclude=.git',
        ...(flag === '' ? [] : [flag]),
        '-cf',
        join(place, name),
        '.',
      ]);
    }
    const { files } = aMachine(place);
    const digests: string[] = [];

    for (const [index, artifact] of [
      build,
      ...['a.tar', 'a.tar.gz', 'a.tar.zst'].map((name) => join(place, name)),
    ].entries()) {
      for (const [way, to] of [files, farAway(files)].entries()) {
        const destination = join(place, `staged-${index}-${way}`);
        const staged = await stageArtifact(artifact, destination, ['data'], { from: files, to });
        digests.push(staged.digest, await digestFolder(destination, ['data'], files));
        expect(staged).toMatchObject({ files: 3, replaced: ['data/development.db'] });
        expect(await readFile(join(destination, 'lib', 'deep', 'größe 1.txt'), 'utf8')).toHaveLength(70_000);
        expect(await readlink(join(destination, 'link'))).toBe('lib/deep');
        expect((await files.status(join(destination, 'start')))?.mode).toBe(0o755);
        expect(await files.status(join(destination, '.git'))).toBeUndefined();
      }
    }

    expect(new Set(digests).size).toBe(1);
  });

  it('notices any change of what lies there', async () => {
    const build = await aBuild();
    const { files } = aMachine(build);
    const before = await digestFolder(build, ['data'], files);
    await chmod(join(build, 'server.js'), 0o755);

    expect(await digestFolder(build, ['data'], files)).not.toBe(before);
  });

  it.each([
    {
      name: 'a path that leads out',
      entries: [{ header: { name: '../outside', type: 'file' as const, size: 1 }, body: 'x' }],
    },
    {
      name: 'an absolute path',
      entries: [{ header: { name: '/etc/outside', type: 'file' as const, size: 1 }, body: 'x' }],
    },
    {
      name: 'a link that leads out',
      entries: [{ header: { name: 'link', type: 'symlink' as const, size: 0, linkname: '../../etc' } }],
    },
    {
      name: 'a file behind a link',
      entries: [
        { header: { name: 'link', type: 'symlink' as const, size: 0, linkname: 'there' } },
        { header: { name: 'link/file', type: 'file' as const, size: 1 }, body: 'x' },
      ],
    },
    {
      name: 'the same file twice',
      entries: [
        { header: { name: 'a', type: 'file' as const, size: 1 }, body: 'x' },
        { header: { name: 'a', type: 'file' as const, size: 1 }, body: 'y' },
      ],
    },
  ])('refuses $name', async ({ entries }) => {
    const place = await aFolder();
    const { files } = aMachine(place);
    await writeFile(join(place, 'bad.tar'), await packTar(entries));

    const staging = stageArtifact(join(place, 'bad.tar'), join(place, 'staged'), [], { from: files, to: files });

    await expect(staging).rejects.toMatchObject({ code: 'artifact-unsafe' });
  });

  it.each([
    ['artifact-missing', 'nowhere'],
    ['artifact-unknown', 'text.txt'],
    ['artifact-broken', 'broken.tar.gz'],
    ['artifact-empty', 'empty'],
  ])('says %s', async (code, name) => {
    const place = await aFolder();
    const { files } = aMachine(place);
    await writeFile(join(place, 'text.txt'), 'x');
    await writeFile(join(place, 'broken.tar.gz'), 'this is no gzip');
    await mkdir(join(place, 'empty'));

    const staging = stageArtifact(join(place, name), join(place, 'staged'), [], { from: files, to: files });

    await expect(staging).rejects.toMatchObject({ code });
  });
});
