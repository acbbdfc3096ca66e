import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { checkConfiguration } from '../../src/config/load.ts';
import { init } from '../../src/init/init.ts';
import { aPlatform } from '../support/platform.ts';

const ROOT = join(import.meta.dirname, '../..');
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const CALLERS = ['release.yml', 'rollback.yml', 'lock.yml'].map((name) => `.github/workflows/${name}`);
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJpJhZ3bUqZbNEmKnPDKAxfXSYjUIQvVcBlPbyCDpcA';

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-init-')));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Fills a folder that is a git repository at its top, and runs `holdfast init` in one of its folders. */
async function inRepository(files: Readonly<Record<string, string>>, below = '', uses?: string) {
  await write({ '.git/HEAD': 'ref: refs/heads/main\n', ...files });
  await mkdir(join(root, below), { recursive: true });
  return run(below, uses);
}

function run(below = '', uses?: string) {
  const inputs = {
    directory: join(root, below),
    port: 3000,
    health: '/healthz',
    ...(uses === undefined ? {} : { uses }),
  };
  return init.run({ inputs, settings: undefined }, aPlatform());
}

async function write(files: Readonly<Record<string, string>>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

const read = (path: string) => readFile(join(root, path), 'utf8');
const called = (text: string) => Object.values<Record<string, unknown>>(parse(text).jobs)[0] ?? {};

/** Takes the "# " away from the lines that init commented out, and writes what only their owner knows. */
const uncommented = (text: string) =>
  text
    .replaceAll(/^# /gm, '')
    .replace('ssh-ed25519 AAAA…', `app.example.com ${HOST_KEY}`)
    .replaceAll('app1.example.org', 'app.example.com');

function problemsOf(text: string): string[] {
  const request = { bytes: Buffer.from(text), file: 'holdfast.yml', directory: root, variables: {}, overrides: [] };
  const { problems, warnings } = checkConfiguration({ ...request, secrets: { DEPLOY_KEY: 'a private key' } });
  return [...problems, ...warnings].map(({ message }) => message);
}

function lint(paths: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['scripts/workflows/lint.js', ...paths], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

describe('init in a git repository', () => {
  it('writes holdfast.yml and the workflows that release it, roll back and hold', async () => {
    const report = await inRepository({ 'server.js': '' });

    expect(report).toMatchObject({
      reason: 'written',
      record: {
        file: join(root, 'holdfast.yml'),
        written: ['holdfast.yml', ...CALLERS].map((path) => join(root, path)),
      },
    });
    expect(report.summary).toContain(`wrote holdfast.yml, ${CALLERS.join(', ')}; next: holdfast config check`);
  });

  it('says in its summary and in each file what has to be replaced', async () => {
    const { summary } = await inRepository({});

    expect(summary).toContain('in place of OWNER/holdfast and the zeros');
    for (const path of CALLERS) {
      expect(await read(path)).toMatch(/^# Replace OWNER\/holdfast and the zeros below/);
      expect(String(called(await read(path))['uses'])).toMatch(/^OWNER\/holdfast\/.+@0{40}$/);
    }
  });

  it('fills in whose Holdfast is called, and leaves nothing to replace', async () => {
    const { summary } = await inRepository({}, '', `acme/our.holdfast@${COMMIT}`);

    expect(summary).not.toContain('OWNER');
    for (const path of CALLERS) {
      const text = await read(path);
      expect(text).not.toMatch(/OWNER|0{40}|Replace|Copy/);
      expect(called(text)['uses']).toBe(`acme/our.holdfast/${path}@${COMMIT}`);
    }
  });

  it.each([
    'acme/holdfast',
    'acme/holdfast@main',
    `acme/holdfast@${COMMIT.slice(1)}`,
    `holdfast@${COMMIT}`,
    `acme/holdfast@${COMMIT.toUpperCase()}`,
    `acme/hold fast@${COMMIT}`,
  ])('refuses --uses %s', (uses) => {
    const result = init.inputs.safeParse({ uses });

    expect(result.error?.issues[0]?.message).toMatch(/^expected OWNER\/REPOSITORY@COMMIT.*40 hexadecimal digits/);
  });

  it('hands exactly the secrets over that holdfast.yml lists', async () => {
    await inRepository({});

    for (const path of CALLERS) {
      expect(called(await read(path))['secrets']).toEqual({
        HOLDFAST_SECRETS: 'DEPLOY_KEY: ${{ toJSON(secrets.DEPLOY_KEY) }}\n',
      });
    }
  });

  it('says which secrets the repository needs, and that there is no environment production yet', async () => {
    const { record } = await inRepository({});

    expect(record?.['seen']).toEqual(
      expect.arrayContaining([
        'the workflows release what is pushed to main',
        'the workflows release to the environment production: holdfast.yml needs one, on servers',
        'the repository on GitHub needs these secrets: DEPLOY_KEY',
      ]),
    );
  });

  it('says that packages which are not committed are missing where GitHub deploys from', async () => {
    const { record } = await inRepository({ 'package.json': '{ "dependencies": { "express": "5.0.0" } }' });

    expect(record?.['seen']).toContainEqual(expect.stringContaining('without node_modules: give the service a build'));
  });
});

describe('the holdfast.yml of init', () => {
  it('is valid as it is, with nothing to look at', async () => {
    await inRepository({ 'server.js': '' });

    expect(problemsOf(await read('holdfast.yml'))).toEqual([]);
  });

  it('is valid with its production environment, once its host is a real one', async () => {
    await inRepository({ 'server.js': '' });
    const text = uncommented(await read('holdfast.yml'));

    expect(problemsOf(text)).toEqual([]);
    expect(parse(text)).toMatchObject({
      secrets: ['DEPLOY_KEY'],
      environments: { local: {}, production: { target: { kind: 'ssh', user: 'deploy', hosts: ['app.example.com'] } } },
    });
  });

  it('names its project: a checkout elsewhere may have a folder of another name', async () => {
    await inRepository({}, 'shop');

    expect(parse(await read('shop/holdfast.yml'))).toMatchObject({ project: 'shop' });
  });

  it('is not valid while its host key is a placeholder', async () => {
    await inRepository({});
    const text = (await read('holdfast.yml')).replaceAll(/^# /gm, '');

    expect(problemsOf(text)).toEqual([expect.stringContaining('expected a public host key')]);
  });
});

describe('init in a folder of a larger repository', () => {
  it.each(['services/web', "apps/it's {web}, isn't it", 'a: b #c', 'true', '-x/%41&*!', 'käse/[1]', '"quoted"\\'])(
    'writes workflows at the top that work in the folder %s',
    async (folder) => {
      await inRepository({}, folder);

      const calls = await Promise.all(CALLERS.map(async (path) => called(await read(path))['with']));
      expect(calls).toEqual([
        expect.objectContaining({ 'working-directory': folder, environment: 'production' }),
        expect.objectContaining({ 'working-directory': folder }),
        expect.objectContaining({ 'working-directory': folder }),
      ]);
      expect(lint(CALLERS.map((path) => join(root, path)))).toBe('');
      expect(problemsOf(uncommented(await read(join(folder, 'holdfast.yml'))))).toEqual([]);
    },
  );

  it.each(['line\nbreak', 'ends in a space ', 'x${{ github.token }}'])(
    'writes none where no workflow could name the folder %j',
    async (folder) => {
      const { record } = await inRepository({}, folder);

      expect(record).toMatchObject({
        written: [join(root, folder, 'holdfast.yml')],
        seen: expect.arrayContaining([expect.stringContaining('no workflow can name the folder')]),
      });
      await expect(read('.github/workflows/release.yml')).rejects.toThrow('ENOENT');
    },
  );
});

describe('the workflows of init', () => {
  it.each([{ uses: undefined }, { uses: `acme/holdfast@${COMMIT}` }])(
    'pass our own linters with $uses',
    async ({ uses }) => {
      await inRepository({}, '', uses);

      expect(lint(CALLERS.map((path) => join(root, path)))).toBe('');
    },
  );

  it.each([
    {
      name: 'what a clone knows',
      files: { '.git/refs/remotes/origin/HEAD': 'ref: refs/remotes/origin/trunk\n' },
      branch: 'trunk',
    },
    {
      name: 'the only branch of an older repository',
      files: { '.git/HEAD': 'ref: refs/heads/master\n' },
      branch: 'master',
    },
    {
      name: 'a repository that was made with another name for it',
      files: { '.git/HEAD': 'ref: refs/heads/trunk\n', '.git/refs/heads/trunk': '0\n' },
      branch: 'trunk',
    },
    {
      name: 'a branch beside main',
      files: { '.git/HEAD': 'ref: refs/heads/topic\n', '.git/refs/heads/main': '0\n' },
      branch: 'main',
    },
    {
      name: 'no branch of somebody at work, main being packed',
      files: { '.git/HEAD': 'ref: refs/heads/fix-it\n', '.git/packed-refs': `${COMMIT} refs/heads/main\n` },
      branch: 'main',
    },
    { name: 'no commit', files: { '.git/HEAD': `${COMMIT}\n` }, branch: 'main' },
    {
      name: 'no name that YAML would read otherwise',
      files: { '.git/refs/remotes/origin/HEAD': 'ref: refs/remotes/origin/a]\n' },
      branch: 'main',
    },
  ])('release the default branch: $name', async ({ files, branch }) => {
    await inRepository(files);

    expect(parse(await read('.github/workflows/release.yml')).on).toEqual({ push: { branches: [branch] } });
  });

  it('are written into a work tree whose .git is a file', async () => {
    await write({ '.git': 'gitdir: /elsewhere\n' });

    expect((await run()).record?.['written']).toHaveLength(4);
  });
});

describe('what is there already', () => {
  it('is left as it is, and said', async () => {
    await inRepository({ '.github/workflows/release.yml': 'name: Mine\n' });
    await rm(join(root, 'holdfast.yml'));

    const report = await run();

    expect(await read('.github/workflows/release.yml')).toBe('name: Mine\n');
    expect(report.summary).toContain(`wrote holdfast.yml; there already and left as before: ${CALLERS.join(', ')}`);
    expect(report.record?.['left']).toEqual(CALLERS.map((path) => join(root, path)));
  });

  it('may be holdfast.yml, whose secrets the workflows then hand over', async () => {
    const mine = 'version: 1\nsecrets: [DATABASE_URL, SMTP_URL]\nenvironments: { production: {} }\n';

    const { summary, record } = await inRepository({ 'holdfast.yml': mine });

    expect(await read('holdfast.yml')).toBe(mine);
    expect(summary).toContain(`wrote ${CALLERS.join(', ')}; there already and left as before: holdfast.yml`);
    expect(called(await read('.github/workflows/lock.yml'))['secrets']).toEqual({
      HOLDFAST_SECRETS:
        'DATABASE_URL: ${{ toJSON(secrets.DATABASE_URL) }}\nSMTP_URL: ${{ toJSON(secrets.SMTP_URL) }}\n',
    });
    expect(JSON.stringify(record?.['seen'])).not.toContain('holdfast.yml needs one');
  });

  it('may list no secrets, and then none are handed over', async () => {
    await inRepository({ 'holdfast.yml': 'version: 1\n' });

    for (const path of CALLERS) expect(called(await read(path))).not.toHaveProperty('secrets');
    expect(lint(CALLERS.map((path) => join(root, path)))).toBe('');
  });

  it('may be a holdfast.yml that nobody can read: no workflow is written', async () => {
    for (const text of ['a: [', 'secrets: [not-a-name]\n', 'secrets: ["X }}: ${{ toJSON(secrets) }}"]\n']) {
      const done = inRepository({ 'holdfast.yml': text });

      await expect(done).rejects.toMatchObject({ code: 'configuration-unreadable' });
    }
    await expect(read('.github/workflows/release.yml')).rejects.toThrow('ENOENT');
  });

  it('may be everything: then nothing is written, and each file is named', async () => {
    await inRepository({});

    await expect(run()).rejects.toMatchObject({
      code: 'already-there',
      message: expect.stringMatching(
        /holdfast\.yml, .*release\.yml, .*lock\.yml exist already and were left as they are/,
      ),
    });
  });

  it('may be a link that leads nowhere: nothing is written through it', async () => {
    await write({ '.git/HEAD': '', '.github/workflows/lock.yml': '' });
    await symlink(join(root, 'elsewhere'), join(root, '.github/workflows/release.yml'));

    const { record } = await run();

    expect(record?.['left']).toEqual([CALLERS[0], CALLERS[2]].map((path) => join(root, String(path))));
    await expect(read('elsewhere')).rejects.toThrow('ENOENT');
  });
});

describe('init outside of a git repository', () => {
  it('writes holdfast.yml alone, and says so', async () => {
    const { record, summary } = await run();

    expect(record).toMatchObject({
      written: [join(root, 'holdfast.yml')],
      left: [],
      seen: expect.arrayContaining([expect.stringContaining('no git repository')]),
    });
    expect(summary).toBe('wrote holdfast.yml; next: holdfast config check, then holdfast release --version v1');
  });

  it('refuses when holdfast.yml is there', async () => {
    await run();

    await expect(run()).rejects.toMatchObject({ code: 'already-there' });
  });

  it('refuses a folder that is not there', async () => {
    await expect(run('nowhere')).rejects.toMatchObject({ code: 'folder-missing' });
  });
});
