import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answerOf, aPlatformOnGithub, type PlatformOnGithub } from '../test/workflows/platform.ts';
import { type Measured, median } from './measured.ts';

const GOAL = 4;
const root = fileURLToPath(new URL('..', import.meta.url));

interface Turn {
  /** Seconds of each job that ran. */
  readonly jobs: Readonly<Record<string, number>>;
  /** Seconds of the same release by the command line. */
  readonly alone: number;
}

/**
 * A whole release by `release.yml`, job by job on act, against the same release by `holdfast release` from the same
 * computer to the same server over ssh. What GitHub adds (a machine for each job) is not in it.
 */
export async function workflow({ quick }: { quick: boolean }): Promise<Measured> {
  const platform = await aPlatformOnGithub();
  try {
    await platform.push();
    const turns: Turn[] = [];
    for (let turn = 0; turn < (quick ? 1 : 5); turn += 1) {
      turns.push({ jobs: await releaseOnAct(platform), alone: releaseAlone(platform, turn) });
    }
    const ratio = median(turns.map(({ jobs, alone }) => sum(jobs) / alone));
    return { ratio, goal: GOAL, text: describe(turns, ratio) };
  } finally {
    await platform.close();
  }
}

async function releaseOnAct(platform: PlatformOnGithub): Promise<Record<string, number>> {
  const seen = new Map<string, { from: number; to: number }>();
  const run = await platform.push(undefined, {
    watch: ({ jobID }) => {
      const now = performance.now();
      seen.set(jobID, { from: seen.get(jobID)?.from ?? now, to: now });
    },
  });
  if (answerOf(run)['reason'] !== 'released') throw new Error(`the release ended as ${answerOf(run)['reason']}`);
  const ours = Object.keys(run.jobs['release.yml'] ?? {});
  const times = [...seen].filter(([job]) => ours.includes(job) && run.jobs['release.yml']?.[job]?.result !== 'skipped');
  return Object.fromEntries(times.map(([job, { from, to }]) => [job, (to - from) / 1000]));
}

function releaseAlone({ caller, secrets }: PlatformOnGithub, turn: number): number {
  const file = join(caller.folder, 'alone.yml');
  // Who runs this has no role there, and needs none here.
  writeFileSync(file, readFileSync(join(caller.folder, 'holdfast.yml'), 'utf8').replace(/^access:\n.*\n/m, ''));
  const args = ['release', '--config', file, '--environment', 'production', '--version', `alone-${turn}`, '--json'];
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/holdfast.js'), ...args], {
    cwd: caller.folder,
    env: { PATH: process.env['PATH'], HOME: caller.folder, ...secrets },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`holdfast release ended with ${status}: ${stdout}${stderr}`);
  return (performance.now() - startedAt) / 1000;
}

function describe(turns: readonly Turn[], ratio: number): string {
  const jobs = Object.keys(turns[0]?.jobs ?? {});
  const of = (job: string) => median(turns.map((turn) => turn.jobs[job] ?? Number.NaN));
  const whole = median(turns.map((turn) => sum(turn.jobs)));
  const alone = median(turns.map((turn) => turn.alone));
  return [
    '## A whole release',
    'The sample platform over ssh: build, proven backup, migration, socket kept, checks, baseline, promotion.',
    [
      '| What | Median |',
      '| --- | --- |',
      ...jobs.map((job) => `| job \`${job}\` | ${of(job).toFixed(1)} s |`),
      `| all jobs | ${whole.toFixed(1)} s |`,
      `| \`holdfast release\` in one process | ${alone.toFixed(1)} s |`,
    ].join('\n'),
    `${turns.length} turns on act, Node ${process.versions.node}, ${cpus().length} processors; all jobs take ${ratio.toFixed(1)} times the one process. \`npm run bench -- workflow\` repeats it.`,
    `On GitHub each job also waits for its machine, and each is billed a whole minute: ${jobs.length} minutes for a release, one more when \`recover\` has to look.`,
  ].join('\n\n');
}

function sum(jobs: Readonly<Record<string, number>>): number {
  return Object.values(jobs).reduce((total, seconds) => total + seconds, 0);
}
