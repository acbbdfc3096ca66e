// Everything about a change that can be judged without running it. All parts run before one of them fails the whole.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${root}node_modules/.bin/${name}`;

const PARTS = [
  { name: 'format and lint', argv: [bin('biome'), 'check', '--error-on-warnings', '.'] },
  { name: 'imports', argv: [bin('depcruise'), '--config', '.dependency-cruiser.js', 'src', 'actions'] },
  { name: 'types', argv: [bin('tsc'), '--noEmit'] },
  { name: 'unused code', argv: [bin('knip')] },
  { name: 'workflows', argv: [process.execPath, 'scripts/workflows/lint.js'] },
  { name: 'generated files', argv: [process.execPath, 'src/codegen/generate.ts', '--check'] },
];

const failed = PARTS.filter(({ name, argv }) => {
  const [program, ...args] = argv;
  const startedAt = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (status !== 0) console.log(error === undefined ? `${stdout}${stderr}` : error.message);
  // What this computer lacks is no failure here, and is not kept quiet.
  else for (const line of stdout.match(/^skipped .*\n.*$/gm) ?? []) console.log(line);
  return status !== 0;
});

if (failed.length > 0) {
  console.log(`check failed: ${failed.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}
console.log('check passed');
