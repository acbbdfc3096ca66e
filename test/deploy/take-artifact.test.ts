import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { packTar, type TarEntry } from 'modern-tar';
import type { RecordedArtifact } from '../../src/core/recorded-artifact.ts';
import { PACKED_BUILD } from '../../src/deploy/packed-build.ts';
import { type Destination, takeArtifact } from '../../src/deploy/take-artifact.ts';
import type { Artifact } from '../../src/platform/artifacts.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { aWorkflow, RUN } from '../support/artifacts.ts';
import { aFolder } from '../support/machine.ts';
import { aPlatform } from '../support/platform.ts';

let folder: string;
let workflow: ReturnType<typeof aWorkflow>;

beforeEach(async () => {
  folder = await aFolder();
  workflow = aWorkflow();
  await writeFile(join(folder, 'holdfast.yml'), 'version: 1');
  await mkdir(join(folder, '.git/hooks'), { recursive: true });
});

const recordOf = ({ id, name, digest, run }: Artifact, sha256: string | null = null): RecordedArtifact => ({
  ...{ id, name, digest, run, sha256 },
});

async function take(recorded: RecordedArtifact, changes: Partial<Destination> = {}, platform: Partial<Platform> = {}) {
  const destination = {
    folder,
    guarded: [join(folder, 'holdfast.yml'), join(folder, 'environment')],
    whole: ['build'],
    required: [],
  };
  await takeArtifact(recorded, { ...destination, ...changes }, aPlatform({ workflow, ...platform }));
}

/** A packed build of these entries, kept by the run, as its job would record it. */
async function packed(...entries: TarEntry[]): Promise<RecordedArtifact> {
  const bytes = gzipSync(await packTar(entries));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return recordOf(workflow.artifacts.add('holdfast-build', { [PACKED_BUILD]: bytes }), sha256);
}

const file = (name: string, body = 'x', mode = 0o644): TarEntry => ({
  header: { name, type: 'file', size: Buffer.byteLength(body), mode },
  body,
});
const link = (name: string, linkname: string): TarEntry => ({ header: { name, type: 'symlink', size: 0, linkname } });

/** Every path of the folder with what it holds. */
async function everything(of = folder): Promise<string[]> {
  const entries = await readdir(of, { recursive: true, withFileTypes: true });
  const told = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? await readFile(path, 'utf8') : entry.isSymbolicLink() ? await readlink(path) : '';
    return `${path.slice(of.length)} ${content}`;
  });
  return (await Promise.all(told)).sort();
}

describe('taking a packed build', () => {
  it('puts it into the folder of holdfast.yml, with modes, links and odd names', async () => {
    const odd = 'build/a name\nof two lines';
    const recorded = await packed(file('build/start', '#!/bin/sh', 0o755), file(odd), link('build/again', 'start'));

    await take(recorded);

    expect((await stat(join(folder, 'build/again'))).mode & 0o777).toBe(0o755);
    expect(await everything()).toEqual([
      '/.git ',
      '/.git/hooks ',
      '/build ',
      '/build/a name\nof two lines x',
      '/build/again start',
      '/build/start #!/bin/sh',
      '/holdfast.yml version: 1',
    ]);
  });

  it('replaces what a service is deployed from, and leaves all else that lies there', async () => {
    for (const path of ['build/old', 'src/kept', 'src/replaced']) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), 'old');
    }

    await take(await packed(file('build/new', 'new'), file('src/replaced', 'new'), file('src/deep/new', 'new')));

    expect(await everything(join(folder, 'build'))).toEqual(['/new new']);
    expect(await everything(join(folder, 'src'))).toEqual(['/deep ', '/deep/new new', '/kept old', '/replaced new']);
  });

  it('takes a setuid file as an ordinary one that can be executed', async () => {
    await take(await packed(file('build/su', 'x', 0o6755)));

    expect((await stat(join(folder, 'build/su'))).mode & 0o7777).toBe(0o755);
  });

  it('replaces a link where a service is deployed from, without following it', async () => {
    const elsewhere = await aFolder();
    await symlink(elsewhere, join(folder, 'build'));

    await take(await packed(file('build/new')));

    expect(await readdir(elsewhere)).toEqual([]);
    expect((await stat(join(folder, 'build/new'))).isFile()).toBe(true);
  });

  it('goes through an existing link to a folder inside', async () => {
    await mkdir(join(folder, 'real'));
    await symlink('real', join(folder, 'alias'));

    await take(await packed(file('alias/new')));

    expect((await stat(join(folder, 'real/new'))).isFile()).toBe(true);
  });
});

describe('taking what somebody else uploaded', () => {
  it('puts plain files in place', async () => {
    const artifact = workflow.artifacts.add('of-the-caller', { 'build/server.js': 'serve()', 'build/a b/c': 'd' });

    await take(recordOf(artifact));

    expect(await everything(join(folder, 'build'))).toEqual(['/a b ', '/a b/c d', '/server.js serve()']);
  });

  it('unpacks a packed build that is all of it, and only then', async () => {
    const bytes = gzipSync(await packTar([file('build/run', 'x', 0o755)]));

    await take(recordOf(workflow.artifacts.add('packed', { [PACKED_BUILD]: bytes })));
    await take(recordOf(workflow.artifacts.add('beside', { [PACKED_BUILD]: bytes, more: '' })));

    expect((await stat(join(folder, 'build/run'))).mode & 0o777).toBe(0o755);
    expect((await stat(join(folder, PACKED_BUILD))).isFile()).toBe(true);
  });
});

describe('an artifact that is not the recorded one', () => {
  it('is refused when it is of another run', async () => {
    const recorded = recordOf(workflow.artifacts.add('build', { a: 'b' }, RUN - 1));

    await expect(take(recorded)).rejects.toMatchObject({ code: 'artifact-of-another-run' });
    // A record that lies about its run names an artifact that this run does not have.
    await expect(take({ ...recorded, run: RUN })).rejects.toMatchObject({ code: 'artifact-missing' });
  });

  it('is refused when it has expired', async () => {
    const recorded = await packed(file('build/a'));
    workflow.artifacts.change(recorded.id, { isExpired: true });

    await expect(take(recorded)).rejects.toMatchObject({ code: 'artifact-expired' });
  });

  it('is refused when its digest is another one, here or at GitHub', async () => {
    const recorded = await packed(file('build/a'));
    const digest = `sha256:${'0'.repeat(64)}`;

    await expect(take({ ...recorded, digest })).rejects.toMatchObject({ code: 'artifact-changed' });
    workflow.artifacts.change(recorded.id, { digest });
    await expect(take(recorded)).rejects.toMatchObject({ code: 'artifact-changed' });
  });

  it('is refused when the packed build in it is another, or is not alone', async () => {
    const recorded = await packed(file('build/a'));
    const more = workflow.artifacts.add('more', { [PACKED_BUILD]: 'x', more: '' });

    await expect(take({ ...recorded, sha256: 'f'.repeat(64) })).rejects.toMatchObject({ code: 'artifact-changed' });
    await expect(take(recordOf(more, 'f'.repeat(64)))).rejects.toMatchObject({ code: 'artifact-changed' });
  });

  it('is refused when it lacks what a service is made of, although something lies there', async () => {
    await mkdir(join(folder, 'out/web'), { recursive: true });
    await writeFile(join(folder, 'out/web/old'), 'of an older build');

    await expect(take(await packed(file('build/a')), { required: ['build', 'out/web'] })).rejects.toMatchObject({
      code: 'artifact-missing',
      message: expect.stringContaining('out/web'),
    });
    expect(await readdir(folder)).not.toContain('build');
  });

  it('is refused where there is no run', async () => {
    const { workflow: _, ...laptop } = aPlatform();
    const destination = { folder, guarded: [], whole: [], required: [] };

    await expect(
      takeArtifact(recordOf(workflow.artifacts.add('a', { b: 'c' })), destination, laptop),
    ).rejects.toMatchObject({ code: 'no-workflow' });
  });
});

describe('an artifact that would harm', () => {
  const hostile: readonly { name: string; entries: TarEntry[]; code?: string }[] = [
    { name: 'a path that leads out', entries: [file('../outside')] },
    { name: 'a path that leads out after going down', entries: [file('build/../../outside')] },
    { name: 'an absolute path', entries: [file('/tmp/outside')] },
    { name: 'a link that leads out', entries: [link('build/out', '../../outside')] },
    { name: 'an absolute link', entries: [link('build/out', '/etc')] },
    { name: 'a link that leads out by way of another', entries: [link('d/up', '..'), link('out', 'd/up/..')] },
    { name: 'a file behind a link', entries: [link('build/in', '.'), file('build/in/a')] },
    { name: 'a link that leads to itself', entries: [file('a'), link('loop', 'loop')] },
    { name: 'a link that leads out by way of one that lies there', entries: [file('a'), link('out', 'leads-out/a')] },
    { name: 'a link to what a dangling one would make', entries: [file('a'), link('out', 'dangling')] },
    { name: 'a hard link', entries: [{ header: { name: 'a', type: 'link', size: 0, linkname: '/etc/passwd' } }] },
    { name: 'a device', entries: [{ header: { name: 'null', type: 'character-device', size: 0 } }] },
    { name: 'a pipe', entries: [{ header: { name: 'pipe', type: 'fifo', size: 0 } }] },
    { name: 'the same file twice', entries: [file('a'), file('a', 'y')] },
    { name: 'a hook of Git', entries: [file('.git/hooks/post-checkout', 'evil', 0o755)] },
    { name: 'a Git of another case, deeper down', entries: [file('build/.GIT/config')] },
    { name: 'a file called .git', entries: [file('.git')] },
    { name: 'another holdfast.yml', entries: [file('holdfast.yml', 'version: 1 # evil')] },
    { name: 'another holdfast.yml, in a case of its own', entries: [file('Holdfast.YML')] },
    { name: 'a folder in place of holdfast.yml', entries: [file('holdfast.yml/a')] },
    { name: 'a link in place of holdfast.yml', entries: [file('a'), link('holdfast.yml', 'a')] },
    { name: 'something in the root of the environment', entries: [file('environment/.holdfast/journal/a')] },
    { name: 'a file in place of the root of the environment', entries: [file('environment')] },
    { name: 'a file behind a link that leads out', entries: [file('leads-out/a')] },
    { name: 'a file in .git by way of a link that lies there', entries: [file('alias/hooks/a')] },
    { name: 'a file in place of a folder', entries: [file('src')] },
    { name: 'a folder in place of a file', entries: [file('README/a')] },
    { name: 'too many entries', entries: [file('a'), file('b'), file('c'), file('d')], code: 'artifact-too-large' },
    {
      name: 'too many bytes',
      entries: [file('a', 'x'.repeat(700)), file('b', 'x'.repeat(700))],
      code: 'artifact-too-large',
    },
    { name: 'too deep folders', entries: [file('a/b/c/d/e/f/g')], code: 'artifact-too-large' },
  ];

  it.each(hostile)('is refused whole when it holds $name', async ({ entries, code = 'artifact-unsafe' }) => {
    const outside = await aFolder();
    await writeFile(join(outside, 'a'), 'kept');
    await symlink(outside, join(folder, 'leads-out'));
    await symlink(join(outside, 'not-there-yet'), join(folder, 'dangling'));
    await symlink('.git', join(folder, 'alias'));
    await mkdir(join(folder, 'src'));
    await mkdir(join(folder, 'build'));
    await writeFile(join(folder, 'build/old'), 'old');
    await writeFile(join(folder, 'README'), 'read me');
    const before = await everything();
    const limits = { entries: 4, sizeBytes: 1000, depth: 6 };

    // What comes first is allowed, and must not stay either.
    await expect(take(await packed(file('build/first'), ...entries), { limits })).rejects.toMatchObject({ code });

    expect(await everything()).toEqual(before);
    expect(await everything(outside)).toEqual(['/a kept']);
  });

  it('is refused before a small file becomes a big one', async () => {
    const bomb = await packed(file('build/bomb', '\0'.repeat(30_000_000)));

    await expect(take(bomb, { limits: { entries: 10, sizeBytes: 1_000_000, depth: 10 } })).rejects.toMatchObject({
      code: 'artifact-too-large',
    });
    expect(await everything(join(folder))).not.toContain('/build ');
  });

  it('is refused when it holds nothing', async () => {
    await expect(take(await packed())).rejects.toMatchObject({ code: 'artifact-empty' });
  });

  it('is refused when it is no archive', async () => {
    const recorded = recordOf(workflow.artifacts.add('broken', { [PACKED_BUILD]: 'no gzip' }));

    await expect(take(recorded)).rejects.toMatchObject({ code: 'artifact-broken' });
  });
});

describe('an error while files are put in place', () => {
  it('leaves everything as it was', async () => {
    await mkdir(join(folder, 'build'));
    await writeFile(join(folder, 'build/old'), 'old');
    const recorded = await packed(file('a', 'new'), file('build/new'), file('z', 'new'));
    await writeFile(join(folder, 'a'), 'old');
    const before = await everything();
    const platform = aPlatform();
    const rename = async (from: string, to: string) => {
      if (to === join(folder, 'z'))
        throw Object.assign(new Error('the disk failed'), { code: 'EIO', syscall: 'rename' });
      await platform.files.rename(from, to);
    };

    await expect(take(recorded, {}, { files: { ...platform.files, rename } })).rejects.toThrow('the disk failed');

    expect(await everything()).toEqual(before);
  });

  it('so does a run that shall end', async () => {
    const recorded = await packed(file('build/new'));
    const before = await everything();

    await expect(take(recorded, {}, { signal: AbortSignal.abort() })).rejects.toThrow('interrupted');

    expect(await everything()).toEqual(before);
  });
});

describe('an archive of GNU tar', () => {
  it('is taken as well', async () => {
    const place = await aFolder();
    await mkdir(join(place, 'build'));
    await writeFile(join(place, `build/${'n'.repeat(200)}`), 'long');
    execFileSync('tar', ['-C', place, '-czf', join(place, PACKED_BUILD), 'build']);
    const bytes = await readFile(join(place, PACKED_BUILD));

    await take(recordOf(workflow.artifacts.add('by-hand', { [PACKED_BUILD]: bytes })));

    expect(await everything(join(folder, 'build'))).toEqual([`/${'n'.repeat(200)} long`]);
  });
});
