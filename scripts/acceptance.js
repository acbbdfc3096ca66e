// Whole things, as their users run them: workflows on act, and applications by others. The closing line is that of all
// tests, `N passed, N failed`. `--quick` asks one of each kind only; other arguments go to Jest.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isCi } from './requirements.js';
import { findAct } from './workflows/act.js';

const APPLICATIONS = '**/test/acceptance/**/*.test.ts';
const WORKFLOWS = ['**/test/workflows/**/*.test.ts', '**/test/workflows/**/*.scenario.ts'];

process.exitCode = run(process.argv.slice(2));

function run(args) {
  const found = findAct();
  const isHere = 'path' in found;
  if (!isHere) console.error(`1 part skipped, the workflows on act: ${found.missing}`);
  if (!isHere && isCi()) {
    console.log('0 passed, 1 failed');
    return 1;
  }
  const isQuick = args.includes('--quick');
  const patterns = [APPLICATIONS, ...(isHere ? WORKFLOWS : WORKFLOWS.slice(0, 1))];
  const jest = [
    ...args.filter((arg) => arg !== '--quick'),
    ...patterns.map((pattern) => `--testMatch=${pattern}`),
    // Each starts services, databases and runners of its own: more at a time measure one another.
    '--maxWorkers=2',
  ];
  const script = fileURLToPath(new URL('test.js', import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...jest], {
    stdio: 'inherit',
    env: { ...process.env, ...(isQuick ? {} : { HOLDFAST_ACCEPTANCE: 'full' }) },
  });
  return status ?? 1;
}
