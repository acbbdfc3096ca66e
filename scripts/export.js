// Writes what is published to `--out DIR`: the actions with their bundle, the reusable workflows and what belongs to them.
// `dist/` is built unless `--dist DIR` names one that was.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const WHOLE = [
  '.github/workflows',
  'config/schema.json',
  'config/examples',
  'docs',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
];
const OF_EACH_ACTION = ['action.yml', 'index.js', 'README.md'];

const { values } = parseArgs({ options: { out: { type: 'string' }, dist: { type: 'string' } } });
if (values.out === undefined) {
  console.error('Say where to: npm run export -- --out DIR');
  process.exit(2);
}
process.exitCode = write(resolve(values.out), values.dist);

function write(out, dist) {
  if (existsSync(out) && readdirSync(out).length > 0) {
    console.error(`${out} is not empty: name a new folder.`);
    return 2;
  }
  mkdirSync(out, { recursive: true });
  if (dist !== undefined) cpSync(resolve(dist), join(out, 'dist'), { recursive: true });
  else if (build(join(out, 'dist')) !== 0) return 1;
  for (const path of WHOLE) copy(path, out);
  const names = readdirSync(join(root, 'actions')).filter((name) =>
    existsSync(join(root, 'actions', name, 'action.yml')),
  );
  for (const name of names) for (const file of OF_EACH_ACTION) copy(join('actions', name, file), out);
  // Only this says that the stubs are modules.
  writeFileSync(join(out, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`);
  console.log(`export: ${names.length} actions in ${out}`);
  return 0;
}

function build(out) {
  const bundle = fileURLToPath(new URL('bundle.js', import.meta.url));
  return spawnSync(process.execPath, [bundle, '--out', out], { stdio: 'inherit' }).status;
}

function copy(path, out) {
  if (!existsSync(join(root, path))) return;
  mkdirSync(dirname(join(out, path)), { recursive: true });
  cpSync(join(root, path), join(out, path), { recursive: true });
}
