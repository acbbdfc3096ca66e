import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Github, type GithubOptions, startGithub } from './server.ts';

export interface GithubOfShop extends Github {
  /** The only commit of the repository acme/shop, at the head of `main`. */
  readonly commit: string;
  /** What a runner tells a step of the run 4711, which goes on. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs git in the repository and answers what it printed. */
  readonly git: (...args: string[]) => string;
}

export const alice = { id: 1234, login: 'alice' };

/** A run of `main` that a push started; the test says what else matters. */
export const aRun = { headBranch: 'main', event: 'push', actor: alice, path: '.github/workflows/release.yml' };

/** A GitHub with the repository acme/shop, which holds holdfast.yml, and its run 4711. */
export async function startGithubOfShop(options: GithubOptions = {}): Promise<GithubOfShop> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-shop-'));
  writeFileSync(join(folder, 'holdfast.yml'), 'version: 1\n');
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('config', 'user.name', 'a');
  git('config', 'user.email', 'a@example.org');
  git('commit', '--quiet', '--message=first');
  const commit = git('rev-parse', 'HEAD');
  const github = await startGithub(options);
  const name = { owner: 'acme', name: 'shop' };
  github.world.repositories.push({ ...name, id: 77, defaultBranch: 'main', folder, protectedBranches: ['main'] });
  github.world.runs.push({ ...aRun, id: 4711, headSha: commit, conclusion: null });
  return {
    ...github,
    commit,
    git,
    env: {
      ...github.jobEnvironment(4711),
      ...{ GITHUB_REPOSITORY: 'acme/shop', GITHUB_SHA: commit, GITHUB_JOB: 'release', GITHUB_RUN_ATTEMPT: '2' },
      GITHUB_SERVER_URL: 'https://github.com',
    },
    async close() {
      await github.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
