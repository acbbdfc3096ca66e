import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { commandSource } from '../../src/sources/command.ts';
import { CommandSource } from '../../src/sources/settings.ts';
import type { Source } from '../../src/sources/source.ts';
import { sourceContract } from '../contracts/source.ts';
import { aFolder, aMachine } from '../support/machine.ts';

const sh = (script: string, timeout = '5s') => ({ command: ['/bin/sh', '-c', script], timeout });

/** Commands that hold one text file, whose first line is its structure. */
const forFile = (path: string) => ({
  scratch: true,
  dump: sh(`cat '${path}'`),
  restore: sh(`if [ $HOLDFAST_INTO = live ]; then cat > '${path}'; else cat > "$HOLDFAST_SCRATCH/f"; fi`),
  fingerprint: sh(`if [ $HOLDFAST_INTO = live ]; then head -1 '${path}'; else head -1 "$HOLDFAST_SCRATCH/f"; fi`),
  count: sh(`wc -l < '${path}'`),
});

sourceContract('a text file behind commands', async (root) => {
  const path = join(root, 'state', 'file');
  await mkdir(join(root, 'state'), { recursive: true });
  await writeFile(path, 'structure 1\nrow\n');
  const append = async (text: string) => writeFile(path, `${await readFile(path, 'utf8')}${text}`);
  return {
    source: (machine) => connect(forFile(path), root, machine),
    look: () => readFile(path, 'utf8'),
    write: () => append('another row\n'),
    migrate: async () => writeFile(path, `structure 2\n${await readFile(path, 'utf8')}`),
    destroy: () => rm(path),
    isKept: async (aside, seen) => (await readFile(join(aside, 'dump'), 'utf8')) === seen,
    canBeAbsent: false,
  };
});

describe('a state behind commands', () => {
  it('gives its commands exactly the agreed environment, in the folder of the configuration', async () => {
    const root = await aFolder();
    const machine = aMachine(root, { environment: { PATH: '/usr/bin:/bin', HOME: '/home/x' } });
    const source = connect({ dump: sh('pwd; env | sort'), env: { DATABASE: 'app' } }, root, machine);

    const folder = await unpackedCopy(source, root);

    const [directory, ...lines] = (await readFile(join(folder, 'dump'), 'utf8')).trim().split('\n');
    expect(directory).toBe(root);
    expect(lines.map((line) => line.split('=')[0])).toEqual([
      'DATABASE',
      'HOLDFAST_INTO',
      'HOLDFAST_SCRATCH',
      'HOLDFAST_SCRATCH_NAME',
      'HOME',
      'PATH',
      'PWD',
    ]);
    expect(lines).toContain('HOLDFAST_INTO=live');
    expect(lines.find((line) => line.startsWith('HOLDFAST_SCRATCH_NAME='))).toMatch(/=holdfast_[0-9a-f]{8}$/);
  });

  const failing: { name: string; settings: object; code: string; message: RegExp }[] = [
    {
      name: 'ends with another status than 0',
      settings: { dump: sh('echo half; echo no such table >&2; exit 3') },
      code: 'dump-failed',
      message: /state\.policies\.dump ended with status 3: no such table/,
    },
    {
      name: 'is killed',
      settings: { dump: sh('echo half; kill -9 $$') },
      code: 'dump-failed',
      message: /signal SIGKILL/,
    },
    {
      name: 'takes too long',
      settings: { dump: sh('echo half; exec sleep 20', '200ms') },
      code: 'dump-failed',
      message: /took longer than 0\.2 s/,
    },
    { name: 'writes nothing', settings: { dump: sh('true') }, code: 'dump-empty', message: /wrote nothing/ },
    {
      name: 'is not there',
      settings: { dump: { command: ['./missing.sh'] } },
      code: 'command-not-found',
      message: /missing\.sh/,
    },
    { name: 'cannot be counted', settings: { count: sh('echo many') }, code: 'no-count', message: /"many"/ },
  ];
  for (const { name, settings, code, message } of failing) {
    it(`is not backed up when its command ${name}`, async () => {
      const root = await aFolder();
      const source = connect(settings, root);

      await expect(unpackedCopy(source, root)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    });
  }

  it('never runs a restore for scratch that did not promise to obey', async () => {
    const root = await aFolder();
    const source = connect({ restore: sh(`touch '${root}/overwritten'`) }, root);
    const folder = await unpackedCopy(source, root);

    await expect(source.prove(folder, await source.fingerprint(), root)).rejects.toMatchObject({
      code: 'no-scratch-restore',
    });

    expect(await readdir(root)).not.toContain('overwritten');
  });

  it('is not proven when scratch has another structure, and cleans up all the same', async () => {
    const root = await aFolder();
    const settings = {
      scratch: true,
      fingerprint: sh('echo $HOLDFAST_INTO'),
      cleanup: sh(`touch '${root}/cleaned'; ls -d "$HOLDFAST_SCRATCH"`),
    };
    const source = connect(settings, root);
    const folder = await unpackedCopy(source, root);

    await expect(source.prove(folder, await source.fingerprint(), root)).rejects.toMatchObject({
      code: 'structure-differs',
    });

    expect(await readdir(root)).toContain('cleaned');
    expect(await readdir(root)).not.toContain('prove-policies');
  });

  it('is proven with a notice when only the cleanup fails', async () => {
    const root = await aFolder();
    const source = connect({ scratch: true, cleanup: sh('echo busy >&2; exit 1') }, root);
    const folder = await unpackedCopy(source, root);

    const notices = await source.prove(folder, await source.fingerprint(), root);

    expect(notices).toEqual([{ path: '', message: expect.stringContaining('busy') }]);
  });

  it('comes back although the failed state is too broken to be dumped, and says so', async () => {
    const root = await aFolder();
    const path = join(root, 'file');
    await writeFile(path, 'good\n');
    const source = connect(forFile(path), root);
    const folder = await unpackedCopy(source, root);
    await rm(path);

    const notices = await source.restore(folder, join(root, 'aside'));

    expect(await readFile(path, 'utf8')).toBe('good\n');
    expect(notices).toEqual([{ path: '', message: expect.stringContaining('could not be kept') }]);
    expect((await stat(join(root, 'aside'))).mode & 0o777).toBe(0o700);
  });

  it('does not guess how much was written without a count, or when the count went back', async () => {
    const root = await aFolder();
    const uncounted = connect({}, root);
    const path = join(root, 'file');
    await writeFile(path, 'a\nb\nc\n');
    const counted = connect(forFile(path), root);
    const folder = await unpackedCopy(counted, root);
    await writeFile(path, 'a\n');

    expect(await uncounted.countWrites(folder)).toMatchObject({ count: undefined });
    expect(await counted.countWrites(folder)).toMatchObject({ count: undefined });
  });
});

function connect(settings: object, root: string, machine = aMachine(root)): Source {
  const complete = CommandSource.parse({
    kind: 'command',
    dump: sh('echo dump'),
    restore: sh('cat > /dev/null'),
    fingerprint: sh('echo structure'),
    ...settings,
  });
  const signal = new AbortController().signal;
  return commandSource.connect(complete, {
    name: 'policies',
    machine,
    root: '/nowhere',
    sharedOf: () => '/nowhere',
    directory: root,
    signal,
  });
}

async function unpackedCopy(source: Source, root: string): Promise<string> {
  const folder = join(root, 'unpacked');
  await mkdir(folder, { recursive: true });
  for await (const entry of (await source.dump(root)).entries) {
    if (entry.open !== undefined) await writeFile(join(folder, entry.path), await entry.open());
  }
  return folder;
}
