import { execFileSync } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../scripts/workflows/tools.js';

const ROOT = join(import.meta.dirname, '../..');
const KEPT_MS = 7 * 24 * 3_600_000;
/** What decides what a bundle is, beside its own files. */
const ALWAYS = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/bundle.js'];

/**
 * Builds once for each state of its sources, outside of the work tree. `sources` are paths of the repository, `build` fills
 * an empty folder. Answers the folder, which nobody may change.
 */
export function buildOnce(name: string, sources: readonly string[], build: (folder: string) => void): string {
  const folder = join(cacheFolder(), 'built', `${name}-${digestOf([...sources, ...ALWAYS])}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    build(scratch);
    renameSync(scratch, folder);
  } catch (error) {
    // Another process may have been faster; its result is as good.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    removeOld(dirname(folder));
  }
  return folder;
}

/** What was built of sources that nobody has any more. */
function removeOld(parent: string): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (ageMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Writes what is published of this repository to a new folder: actions with their bundle, workflows, no work tree. */
export function exportPublished(folder: string): void {
  const dist = buildOnce('dist', ['src', 'actions'], (out) => {
    runScript('scripts/bundle.js', ['--out', join(out, 'dist')]);
  });
  runScript('scripts/export.js', ['--out', folder, '--dist', join(dist, 'dist')]);
}

/** Writes a small suite that is not ours to a new folder: each of its actions is bundled. */
export function exportSuite(source: string, folder: string, actions: readonly string[]): void {
  cpSync(join(ROOT, source), folder, { recursive: true });
  for (const action of actions) {
    const below = join('actions', action);
    cpSync(bundleAction(join(source, below)), join(folder, below), { recursive: true });
  }
}

/** The folder of one action, `index.js` and `action.yml`, with all packages in its program. Nobody may change it. */
export function bundleAction(source: string): string {
  return buildOnce(source.replaceAll('/', '-'), [source], (out) => {
    const ncc = join(ROOT, 'node_modules/.bin/ncc');
    const entry = join(ROOT, source, 'index.js');
    execFileSync(ncc, ['build', entry, '--out', out, '--no-cache', '--quiet'], { stdio: 'pipe' });
    cpSync(join(ROOT, source, 'action.yml'), join(out, 'action.yml'));
  });
}

function runScript(script: string, args: readonly string[]): void {
  execFileSync(process.execPath, [join(ROOT, script), ...args], { stdio: 'pipe', cwd: ROOT });
}

function digestOf(sources: readonly string[]): string {
  const args = ['-C', ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...sources];
  const files = execFileSync('git', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).split('\0');
  const hash = createHash('sha256').update(process.version);
  for (const file of [...new Set(files)].sort()) addFile(hash, file);
  return hash.digest('hex').slice(0, 24);
}

function addFile(hash: Hash, file: string): void {
  const path = join(ROOT, file);
  // Removed and not yet committed.
  if (file === '' || !existsSync(path)) return;
  hash.update(`${file}\0`).update(readFileSync(path)).update('\0');
}
