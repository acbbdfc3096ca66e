// Builds the artifact of one version: node build.js --version v2 [--fault NAME] --out FOLDER
// v1 is the first schema; every other version is the newest one, with a fault when one is asked for.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = import.meta.dirname;
const FAULTS = join(ROOT, 'faults');
/** A fault's own migration comes after those of every good version. */
const FAULT_MIGRATION = '003';

const { values } = parseArgs({
  options: { version: { type: 'string' }, fault: { type: 'string' }, out: { type: 'string' } },
});
const problem = problemOf(values);
if (problem === undefined) build(values);
else {
  console.error(problem);
  process.exitCode = 2;
}

function problemOf({ version, fault, out }) {
  if (version === undefined || out === undefined) return 'usage: node build.js --version V [--fault NAME] --out FOLDER';
  if (fault === undefined) return undefined;
  const known = readdirSync(FAULTS).flatMap((name) => (name.endsWith('.js') ? [name.slice(0, -3)] : []));
  return known.includes(fault) ? undefined : `there is no fault "${fault}"; there are: ${known.sort().join(', ')}`;
}

function build({ version, fault, out }) {
  const folder = resolve(out);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ['server.js', 'migrate.js', 'package.json', 'app', 'migrations']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  if (version === 'v1') rmSync(join(folder, 'migrations', '002-risk-class.sql'));
  if (fault !== undefined) addFault(folder, fault);
  writeFileSync(join(folder, 'build.json'), `${JSON.stringify({ version })}\n`);
  console.log(folder);
}

function addFault(folder, fault) {
  cpSync(join(FAULTS, `${fault}.js`), join(folder, 'app', 'fault.js'));
  const migration = join(FAULTS, `${fault}.sql`);
  if (existsSync(migration)) cpSync(migration, join(folder, 'migrations', `${FAULT_MIGRATION}-${fault}.sql`));
}
