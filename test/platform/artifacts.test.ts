import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { refuseUnsafe } from '../../src/platform/artifact-download.ts';
import type { Artifacts } from '../../src/platform/artifacts.ts';
import { connectWorkflow } from '../../src/platform/workflow.ts';
import { aRun, type GithubOfShop, startGithubOfShop } from '../support/github/repository.ts';
import type { RestAnswer, RestRequest } from '../support/github/rest.ts';
import { unzip, zipOf } from '../support/github/zip.ts';

const OTHER_RUN = 4000;
const folder = mkdtempSync(join(tmpdir(), 'holdfast-artifacts-'));
const forbidden: RestAnswer = { status: 403, body: { message: 'Resource not accessible by integration' } };

let github: GithubOfShop;
let interfere: (request: RestRequest) => RestAnswer | undefined;
let artifacts: Artifacts;

/** The client tells each thing that it does. */
const { write } = process.stdout;
process.stdout.write = () => true;

beforeAll(async () => {
  github = await startGithubOfShop({ interfere: (request) => interfere(request) });
  github.world.runs.push({ ...aRun, id: OTHER_RUN, headSha: github.commit, conclusion: 'success' });
  // The client of artifacts reads these by itself; the first thing that is loaded of it does.
  Object.assign(process.env, github.env);
});

beforeEach(() => {
  interfere = () => undefined;
  for (const list of [github.asked, github.world.artifacts]) list.splice(0);
  artifacts = connect(new AbortController().signal);
});

afterEach(() => github.assertAsDescribed());

afterAll(async () => {
  process.stdout.write = write;
  await github.close();
  rmSync(folder, { recursive: true, force: true });
});

function connect(signal: AbortSignal): Artifacts {
  const workflow = connectWorkflow(github.env, github.token, signal);
  if (workflow === undefined) throw new Error('there is no run');
  return workflow.artifacts;
}

function aFolder(files: Readonly<Record<string, string>> = {}): string {
  const made = mkdtempSync(join(folder, 'of-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(made, name)), { recursive: true });
    writeFileSync(join(made, name), text);
  }
  return made;
}

/** One that another run made, as GitHub lists it. */
function anArtifact(bytes: Buffer, part: { readonly expired?: boolean; readonly digest?: string } = {}) {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const made = { name: 'evidence', runId: OTHER_RUN, jobId: 'job-1', bytes, digest, contentType: 'application/zip' };
  const id = github.world.nextId();
  github.world.artifacts.push({ ...made, id, createdAt: '2026-11-22T10:00:00Z', expired: false, ...part });
  return { id, run: OTHER_RUN, digest: part.digest ?? digest };
}

const zip = zipOf({ 'report.json': '{"decision":"proceed"}', 'pages/a.html': '<p>a</p>' });

const filesIn = (path: string) =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((file) => [file.slice(path.length + 1), readFileSync(file, 'utf8')]),
  );

describe('an artifact of this run', () => {
  it('is kept, listed with its digest, and loaded by a job without any permission', async () => {
    const from = aFolder({ 'report.json': '{}', 'pages/a.html': '<p>a</p>', 'not-this.txt': '' });

    const { id, digest } = await artifacts.upload('evidence', from, ['report.json', 'pages/a.html'], 5);
    const listed = await artifacts.list('evidence', 4711);
    interfere = () => forbidden;
    const to = join(folder, 'loaded');
    await artifacts.download({ id, run: 4711, digest }, to);

    const { bytes = Buffer.of() } = github.world.artifacts[0] ?? {};
    expect(Object.keys(unzip(bytes)).sort()).toEqual(['pages/a.html', 'report.json']);
    expect(digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    expect(listed).toEqual([{ id, digest, name: 'evidence', run: 4711, sizeBytes: bytes.length, isExpired: false }]);
    expect(filesIn(to)).toEqual({ 'report.json': '{}', 'pages/a.html': '<p>a</p>' });
  });

  it('is not kept twice under one name', async () => {
    const from = aFolder({ 'a.txt': 'a' });
    await artifacts.upload('evidence', from, ['a.txt']);

    await expect(artifacts.upload('evidence', from, ['a.txt'])).rejects.toMatchObject({ code: 'artifact-exists' });
  });

  it('is missing when nobody has it', async () => {
    const download = artifacts.download({ id: 1, run: 4711, digest: `sha256:${'0'.repeat(64)}` }, aFolder());

    await expect(download).rejects.toMatchObject({ code: 'artifact-missing' });
  });

  it('is neither kept nor loaded after the job was cancelled', async () => {
    const stopped = connect(AbortSignal.abort());
    const from = aFolder({ 'a.txt': 'a' });
    const wanted = { id: 1, run: 4711, digest: `sha256:${'0'.repeat(64)}` };

    await expect(stopped.upload('evidence', from, ['a.txt'])).rejects.toMatchObject({ name: 'Interrupted' });
    await expect(stopped.download(wanted, aFolder())).rejects.toMatchObject({ name: 'Interrupted' });
    expect(github.world.artifacts).toEqual([]);
  });
});

describe('listing artifacts', () => {
  it('tells those of a name from all runs, the newest first, expired ones too', async () => {
    const old = anArtifact(zip, { expired: true });
    const { id } = await artifacts.upload('evidence', aFolder({ 'a.txt': 'a' }), ['a.txt']);
    await artifacts.upload('another', aFolder({ 'a.txt': 'a' }), ['a.txt']);

    const all = await artifacts.list('evidence');
    const ofOne = await artifacts.list('evidence', OTHER_RUN);

    expect(all.map((it) => [it.id, it.run, it.isExpired])).toEqual([
      [id, 4711, false],
      [old.id, OTHER_RUN, true],
    ]);
    expect(ofOne.map((it) => it.id)).toEqual([old.id]);
  });

  it('tells none of a run that is not there', async () => {
    interfere = () => ({ status: 404, body: { message: 'Not Found' } });

    expect(await artifacts.list('evidence', 1)).toEqual([]);
    await expect(artifacts.list('evidence')).rejects.toMatchObject({ code: 'github-refused' });
  });

  it('names the permission that the job lacks', async () => {
    interfere = () => forbidden;

    await expect(artifacts.list('evidence')).rejects.toMatchObject({
      code: 'github-refused',
      hint: expect.stringContaining('"actions: read"'),
    });
  });
});

describe('loading an artifact of another run', () => {
  it('unpacks it', async () => {
    const to = aFolder();

    await artifacts.download(anArtifact(zip), to);

    expect(filesIn(to)).toEqual({ 'report.json': '{"decision":"proceed"}', 'pages/a.html': '<p>a</p>' });
  });

  it('refuses one with another digest or of another run before a byte of it is loaded', async () => {
    const wanted = anArtifact(zip);
    const digest = `sha256:${'0'.repeat(64)}`;

    await expect(artifacts.download({ ...wanted, digest }, aFolder())).rejects.toMatchObject({
      code: 'artifact-changed',
    });
    await expect(artifacts.download({ ...wanted, run: 3999 }, aFolder())).rejects.toMatchObject({
      code: 'artifact-changed',
    });
    await expect(artifacts.download({ ...wanted, digest: '' }, aFolder())).rejects.toMatchObject({
      code: 'artifact-changed',
    });
    expect(github.asked.filter((line) => line.includes('/zip'))).toEqual([]);
  });

  it('leaves nothing of one whose bytes are not those of its digest', async () => {
    const to = aFolder();
    const wanted = anArtifact(zip, { digest: `sha256:${'0'.repeat(64)}` });

    await expect(artifacts.download(wanted, to)).rejects.toMatchObject({ code: 'artifact-changed' });
    expect(() => lstatSync(to)).toThrow('ENOENT');
  });

  it('tells one that has expired and one that is gone', async () => {
    const { id, ...rest } = anArtifact(zip, { expired: true });

    await expect(artifacts.download({ id, ...rest }, aFolder())).rejects.toMatchObject({ code: 'artifact-expired' });
    await expect(artifacts.download({ id: 1, ...rest }, aFolder())).rejects.toMatchObject({ code: 'artifact-missing' });
  });

  it.each([
    { name: 'expires', status: 410, code: 'artifact-expired' },
    { name: 'is deleted', status: 404, code: 'artifact-missing' },
    { name: 'may no longer be read', status: 403, code: 'github-refused' },
  ])('tells one that $name just then', async ({ status, code }) => {
    const wanted = anArtifact(zip);
    interfere = ({ path }) => (path.endsWith('/zip') ? { status, body: { message: 'no' } } : undefined);

    await expect(artifacts.download(wanted, aFolder())).rejects.toMatchObject({ code });
  });

  it('names the permission that the job lacks', async () => {
    const wanted = anArtifact(zip);
    interfere = () => forbidden;

    await expect(artifacts.download(wanted, aFolder())).rejects.toMatchObject({
      code: 'github-refused',
      hint: expect.stringContaining('"actions: read"'),
    });
  });

  it('does not unpack into a folder that holds something', async () => {
    const to = aFolder({ 'mine.txt': 'mine' });

    await expect(artifacts.download(anArtifact(zip), to)).rejects.toThrow('is not empty');
    expect(filesIn(to)).toEqual({ 'mine.txt': 'mine' });
  });
});

describe('what a hostile artifact holds', () => {
  it('stays in the folder, whatever its names say', async () => {
    const to = join(aFolder(), 'in');

    await artifacts.download(anArtifact(zipOf({ '../out.txt': 'a', '/root.txt': 'b' })), to);

    expect(filesIn(dirname(to))).toEqual({ 'in/out.txt': 'a', 'in/root.txt': 'b' });
  });

  it('is no link: one becomes a file that names its target', async () => {
    const to = aFolder();

    await artifacts.download(anArtifact(zipOf({ key: '/etc/passwd' }, ['key'])), to);

    expect(lstatSync(join(to, 'key')).isSymbolicLink()).toBe(false);
    expect(filesIn(to)).toEqual({ key: '/etc/passwd' });
  });

  it('is refused when something unpacked is neither file nor folder', async () => {
    const made = aFolder({ 'deep/a.txt': 'a' });
    await expect(refuseUnsafe(made)).resolves.toBeUndefined();
    symlinkSync('/etc/passwd', join(made, 'deep/key'));

    await expect(refuseUnsafe(made)).rejects.toMatchObject({ code: 'artifact-unsafe' });
  });
});
