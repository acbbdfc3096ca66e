import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Measured, median } from './measured.ts';

const GOAL = 4;
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * How long a step of a job takes that does nothing, against a Node that does nothing: whole processes, one of each kind
 * in turn, medians in milliseconds. The ratio is the median over all turns, so that a busy moment counts on both sides.
 */
export async function startup({ quick }: { quick: boolean }): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  try {
    const nothing = build('nothing', folder);
    const core = build('core-alone', folder);
    const later = join(folder, 'later');
    mkdirSync(later);
    const cases = {
      '`node -e 0`': () => time(['-e', '0'], later),
      '@actions/core alone': () => time([core], fresh(folder)),
      'an action, first step of its job': () => time([nothing], fresh(folder)),
      'an action, each later step': () => time([nothing], later),
    };
    const turns = Array.from({ length: quick ? 7 : 31 }, () =>
      Object.fromEntries(Object.entries(cases).map(([name, run]) => [name, run()])),
    );
    const of = (name: string) => turns.map((turn) => turn[name] ?? Number.NaN);
    const bare = of('`node -e 0`');
    const rows = Object.keys(cases).map((name) => {
      const ratio = median(of(name).map((ms, turn) => ms / (bare[turn] ?? Number.NaN)));
      return { name, ms: median(of(name)), ratio };
    });
    return { ratio: rows.at(-1)?.ratio ?? Number.NaN, goal: GOAL, text: describe(rows, turns.length) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bundles one entry as the published actions are, with a stub like theirs; answers the stub. */
function build(entry: string, folder: string): string {
  const out = join(folder, entry, 'dist');
  const argv = [join(root, 'scripts/bundle.js'), '--entry', `bench/${entry}.ts`, '--out', out];
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${entry} could not be bundled: ${stderr}`);
  const stub = join(folder, entry, 'index.mjs');
  const lines = [
    "import { enableCompileCache } from 'node:module';",
    'enableCompileCache(process.env.RUNNER_TEMP);',
    "const { runAction } = await import('./dist/index.js');",
    "await runAction('nothing');",
  ];
  writeFileSync(stub, `${lines.join('\n')}\n`);
  return stub;
}

/** The temporary folder of a job that begins. */
function fresh(folder: string): string {
  return mkdtempSync(join(folder, 'job-'));
}

/** Milliseconds of one process, from its start until it has ended. */
function time(argv: readonly string[], temporary: string): number {
  const files = { GITHUB_OUTPUT: join(temporary, 'output'), GITHUB_STEP_SUMMARY: join(temporary, 'summary') };
  for (const path of Object.values(files)) writeFileSync(path, '');
  const env = { PATH: process.env['PATH'], HOME: temporary, RUNNER_TEMP: temporary, ...files };
  const startedAt = performance.now();
  const { status } = spawnSync(process.execPath, [...argv], { cwd: temporary, env, stdio: 'ignore' });
  const took = performance.now() - startedAt;
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}`);
  return took;
}

function describe(rows: readonly { name: string; ms: number; ratio: number }[], turns: number): string {
  return [
    '## Starting an action',
    'A step that does nothing but what every step does: read inputs, mask, run, write the report, six outputs and the summary.',
    [
      '| What | Median | Times `node -e 0` |',
      '| --- | --- | --- |',
      ...rows.map(({ name, ms, ratio }) => `| ${name} | ${ms.toFixed(0)} ms | ${ratio.toFixed(2)} |`),
    ].join('\n'),
    `${turns} turns of one process each, Node ${process.versions.node}, ${cpus().length} processors. \`npm run bench -- startup\` repeats it.`,
    [
      'The first step of a job also writes what it compiled to the temporary folder of the job; the later ones read it there.',
      'What the rest is: about half is reading and compiling a bundle of 1.6 MB, of which @actions/core and its HTTP client are',
      'two thirds; then the modules of Node for TLS, HTTP, processes and files; zod; and writing the report. The second HTTP',
      'client, which is of use behind a proxy only, actions themselves, YAML, checks and pages are loaded when they are used.',
    ].join('\n'),
  ].join('\n\n');
}
