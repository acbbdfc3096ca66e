// Finds what tests need, installs it where that is nobody's computer, and else says how to get it.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The requirements that are not met on this computer. */
export function missingOf(requirements, path = process.env.PATH ?? '') {
  return requirements.filter(
    ({ program, folders = [] }) =>
      ![...path.split(delimiter), ...folders].some((folder) => canRun(join(folder, program))),
  );
}

function canRun(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** One line for each missing program, and the command that brings them all. */
export function explain(missing) {
  const lines = missing.map(({ program, packages, why }) => `${program} (${packages.join(', ')}): needed for ${why}`);
  return [...lines, `On Debian or Ubuntu: apt-get install ${packagesOf(missing).join(' ')}`].join('\n');
}

export function isCi(environment = process.env) {
  return !['', '0', 'false'].includes(environment.CI ?? '');
}

/** True where installing changes nobody's computer: in CI, as root, with apt. */
export function mayInstall(environment = process.env, uid = process.getuid?.()) {
  return isCi(environment) && uid === 0 && missingOf([{ program: 'apt-get' }]).length === 0;
}

/** Installs with apt; false when that fails. */
export function install(missing) {
  const apt = (...args) =>
    spawnSync('apt-get', ['-q', ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  return apt('update') && apt('install', '--yes', '--no-install-recommends', ...packagesOf(missing));
}

function packagesOf(missing) {
  return [...new Set(missing.flatMap(({ packages }) => packages))];
}
