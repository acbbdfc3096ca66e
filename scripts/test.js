// All tests, and one line at the end that scripts can read: `N passed, N failed`. Arguments go to Jest.
// Fails when a test failed, when a suite could not run, when none ran, and when something that tests need is missing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requirements } from '../test/support/requirements.js';
import { explain, install, isCi, mayInstall, missingOf } from './requirements.js';

const NEEDED_MAJOR = 24;

process.exitCode = run(process.argv.slice(2));

function run(args) {
  if (Number(process.versions.node.split('.')[0]) < NEEDED_MAJOR) {
    console.error(`Tests need Node ${NEEDED_MAJOR}, this is ${process.versions.node}. Run "npm ci", then "npm test".`);
    return close(0, 1);
  }
  const missing = missingOf(requirements);
  if (missing.length > 0) {
    console.error(`${missing.length} of the programs that tests start are not here:\n${explain(missing)}`);
    if (!mayInstall() || !install(missing) || missingOf(missing).length > 0) return close(0, missing.length);
  }
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tests-'));
  try {
    const results = join(folder, 'results.json');
    const jest = fileURLToPath(new URL('jest.js', import.meta.url));
    // Its own exit code counts too: an open handle or a failed coverage threshold is no failed test.
    const { status } = spawnSync(process.execPath, [jest, '--json', '--outputFile', results, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return judge(JSON.parse(readFileSync(results, 'utf8')), status);
  } catch (error) {
    console.error(`Jest left no results: ${error.message}`);
    return close(0, 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function judge(results, status) {
  const { numPassedTests: passed, numFailedTests, numRuntimeErrorTestSuites: brokenSuites } = results;
  const skipped = results.numPendingTests + results.numTodoTests;
  if (skipped > 0) console.error(`${skipped} tests were skipped.`);
  // A suite that could not even start has no tests to count: it counts as one that failed. In CI nothing may be skipped.
  let failed = numFailedTests + brokenSuites + (isCi() ? skipped : 0);
  if (passed + failed === 0) {
    console.error('No test ran.');
    failed = 1;
  }
  if (status !== 0 && failed === 0) {
    console.error(`Jest ended with ${status} although no test failed.`);
    failed = 1;
  }
  return close(passed, failed);
}

function close(passed, failed) {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
