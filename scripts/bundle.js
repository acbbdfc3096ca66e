// Builds what the published actions run: tsc writes JavaScript, ncc puts it and its packages into dist/, one file for what
// every action needs and one for each part that is loaded later. `--out DIR` builds elsewhere, `--entry FILE` something else
// than the actions. Built twice, the bytes are the same.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

const NCC = ['build', '--no-cache', '--quiet'];

const { values } = parseArgs({ options: { out: { type: 'string' }, entry: { type: 'string' } } });
bundle({ out: resolve(values.out ?? join(root, 'dist')), entry: values.entry ?? 'actions/github.ts' });

function bundle({ out, entry }) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  // Below the root, where packages and the type of modules are found.
  const folder = mkdtempSync(join(root, '.cache/bundle-'));
  try {
    const project = join(folder, 'tsconfig.json');
    const include = ['src', 'actions', entry].map((path) => join(root, path));
    writeFileSync(project, JSON.stringify({ extends: join(root, 'tsconfig.build.json'), include }));
    // Types are the business of `npm run check`.
    run('tsc', ['-p', project, '--noCheck', '--outDir', folder], root);
    rmSync(out, { recursive: true, force: true });
    // From within, so that no name in the bundle depends on where it was built.
    run('ncc', [...NCC, entry.replace(/ts$/, 'js'), '--out', out, '--license', 'licenses.txt'], folder);
    // A process of its own, which src/platform/holder.ts starts from beside the bundle.
    run('ncc', [...NCC, 'src/platform/holder-program.js', '--out', join(folder, 'holder')], folder);
    copyFileSync(join(folder, 'holder/index.js'), join(out, 'holder-program.js'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program, args, cwd) {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', program), args, {
    cwd,
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new Error(`${program} failed:\n${stdout}${stderr}`);
}
