// Jest under the Node of the project, with what ESM needs. Arguments are passed on.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Jest needs Node 24 here, this is ${process.version}: use "npm run jest", which brings it.`);
  process.exit(1);
}

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const { status } = spawnSync(process.execPath, [...flags, jest, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
