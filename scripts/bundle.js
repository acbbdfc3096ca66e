// Builds what the published actions run: tsc writes JavaScript, ncc puts it and its packages into dist/, one file for what
// every action needs and one for each part that is loaded later. `--out DIR` builds elsewhere, `--entry FILE` something else
// than the actions. Built twice, the bytes are the same.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    loadProxyClientLate(join(out, 'index.js'));
    // A process of its own, which src/platform/holder.ts starts from beside the bundle, or sends to a server.
    copyFileSync(join(folder, 'src/platform/holder-program.js'), join(out, 'holder-program.js'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The HTTP client of @actions/core brings a second one (undici) that it needs behind a proxy only, and that costs every
 * step as much as all the rest: it is loaded when it is asked for. Fails when the bundle no longer has that line.
 */
function loadProxyClientLate(file) {
  const code = readFileSync(file, 'utf8');
  const lines = [...code.matchAll(/^var undici = (__nccwpck_require__\(\d+\));$/gm)];
  if (lines.length !== 1) throw new Error(`${file} loads undici in ${lines.length} places: see loadProxyClientLate`);
  const [[line, load]] = lines;
  writeFileSync(file, code.replace(line, `var undici = new Proxy({}, { get: (_, name) => ${load}[name] });`));
}

function run(program, args, cwd) {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', program), args, {
    cwd,
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new Error(`${program} failed:\n${stdout}${stderr}`);
}
