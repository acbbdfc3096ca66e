// Judges every workflow of ours and every example that callers copy: with GitHub's own parser, with our rules, and with
// zizmor and actionlint. `node scripts/workflows/lint.js [FILE…]`
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callProblems } from './calls.js';
import { parseProblems } from './parser.js';
import { ruleProblems } from './rules.js';
import { findTool, withoutTool } from './tools.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['.github/workflows', 'config/examples'];

/** GitHub knows these and actionlint 1.7.12 does not; each is as narrow as its words allow. */
const BEHIND_GITHUB = [
  'unexpected key "queue" for "concurrency" section',
  'specifying action "\\$/[^"]+" in invalid format because ref is missing',
  'reusable workflow call "\\$/[^"]+" at "uses" is not following the format',
];

process.exitCode = await lint(process.argv.slice(2));

async function lint(named) {
  const files = named.length > 0 ? named : FOLDERS.flatMap(workflowsIn);
  if (files.length === 0) {
    console.error('there is no workflow to judge');
    return 1;
  }
  const counts = { ok: 0, failed: 0, skipped: 0 };
  const tell = (name, outcome, problems) => {
    counts[outcome] += 1;
    console.log([`${outcome.padEnd(7)} ${name}`, ...problems].join('\n        '));
  };
  const judge = (name, problems) => tell(name, problems.length === 0 ? 'ok' : 'failed', problems);

  const parsed = await Promise.all(files.map(async (file) => prefixed(file, await parseProblems(file))));
  judge("GitHub's own parser", parsed.flat());
  judge(
    'our rules',
    files.flatMap((file) => prefixed(file, ruleProblems(readFileSync(file, 'utf8')))),
  );
  const calls = files.map((file) => prefixed(file, callProblems(readFileSync(file, 'utf8'), readOurs)));
  judge('calls of our workflows', calls.flat());
  for (const [name, argv] of Object.entries(programs())) {
    const found = findTool(name);
    if ('path' in found) judge(name, run(found.path, [...argv, ...files]));
    else tell(name, withoutTool(), [found.missing]);
  }
  console.log(`workflows: ${files.length} judged; ${counts.ok} ok, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

function programs() {
  return {
    zizmor: ['--offline', '--persona=pedantic', '--no-progress', '--quiet', '--no-config'],
    // What else is on this computer would decide what is found.
    actionlint: ['-no-color', '-shellcheck=', '-pyflakes=', ...BEHIND_GITHUB.flatMap((words) => ['-ignore', words])],
  };
}

function readOurs(name) {
  const path = join(root, '.github/workflows', name);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function workflowsIn(folder) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => /\.ya?ml$/.test(name) && isWorkflow(readFileSync(join(path, name), 'utf8')))
    .map((name) => relative(process.cwd(), join(path, name)));
}

/** Examples of configuration lie beside those of workflows. */
function isWorkflow(text) {
  return /^jobs:/m.test(text);
}

function prefixed(file, problems) {
  return problems.map((problem) => `${file}: ${problem}`);
}

function run(program, argv) {
  const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: 'utf8', timeout: 120_000 });
  if (error !== undefined) return [`${program}: ${error.message}`];
  if (status === 0) return [];
  const said = `${stdout}${stderr}`.trim();
  return said === '' ? [`it ended with ${status} and said nothing`] : said.split('\n');
}
