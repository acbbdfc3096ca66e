import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { STEP_ORDER } from '../../src/core/handover.ts';
import { STAGES } from '../../src/pipeline/stages.ts';

const ROOT = join(import.meta.dirname, '../..');
const WORKFLOWS = join(ROOT, '.github/workflows');

const Step = z.object({
  id: z.string().optional(),
  uses: z.string().optional(),
  if: z.string().optional(),
  'timeout-minutes': z.int().optional(),
  with: z.record(z.string(), z.unknown()).prefault({}),
});
const Job = z.object({
  needs: z.array(z.string()).prefault([]),
  if: z.string().optional(),
  'timeout-minutes': z.int(),
  outputs: z.record(z.string(), z.string()).prefault({}),
  steps: z.array(Step),
});
const Workflow = z.object({ jobs: z.record(z.string(), Job) });
const Manifest = z.object({
  inputs: z.record(z.string(), z.object({ required: z.boolean() })),
  outputs: z.record(z.string(), z.unknown()),
});

const jobsOf = (name: string) => Workflow.parse(parse(readFileSync(join(WORKFLOWS, name), 'utf8'))).jobs;
const manifestOf = (action: string) =>
  Manifest.parse(parse(readFileSync(join(ROOT, 'actions', action, 'action.yml'), 'utf8')));

/** Those that other repositories call: they name our actions by `$/`. */
const OURS = readdirSync(WORKFLOWS).filter((name) =>
  readFileSync(join(WORKFLOWS, name), 'utf8').includes('$/actions/'),
);

/** Our actions in a job, in their order: `compliance before`. */
function stagesOf(job: z.infer<typeof Job> | undefined): string[] {
  return (job?.steps ?? []).flatMap(({ uses, with: inputs }) => {
    const action = /^\$\/actions\/(.*)$/.exec(uses ?? '')?.[1];
    if (action === undefined) return [];
    return [typeof inputs['phase'] === 'string' ? `${action}-${inputs['phase']}` : action];
  });
}

describe('release.yml', () => {
  const jobs = jobsOf('release.yml');

  it('walks the stages of a release, in their order, and the way back as the last step of the same job', () => {
    const stages = STAGES.map(({ name }) => name);
    const walked = [...stagesOf(jobs['admit']), ...stagesOf(jobs['release'])];

    // Who asks is asked once more, where approvals and waiting lie behind.
    expect(walked).toEqual([...stages.slice(0, 2), 'authorize', ...stages.slice(2), 'rollback']);
    expect(jobs['release']?.steps.at(-1)?.if).toBe('${{ always() }}');
  });

  it('has the five jobs of the design, the last of which waits for all others', () => {
    expect(Object.keys(jobs)).toEqual(['build', 'admit', 'release', 'recover', 'report']);
    expect(jobs['report']?.needs).toEqual(['build', 'admit', 'release', 'recover']);
    expect(jobs['report']?.if).toBe('${{ always() }}');
  });

  it('lets recover act on every result but success and skipped', () => {
    expect(jobs['recover']?.if).toBe(
      "${{ always() && needs.release.result != 'success' && needs.release.result != 'skipped' }}",
    );
  });
});

describe.each(OURS)('%s', (name) => {
  const jobs = Object.entries(jobsOf(name));

  it('gives each step of ours whole minutes, fewer than the job has', () => {
    for (const [job, { steps, 'timeout-minutes': limit }] of jobs) {
      for (const step of steps.filter(({ uses }) => uses?.startsWith('$/') === true)) {
        expect([job, step.id, step['timeout-minutes']]).toEqual([job, step.id, expect.any(Number)]);
        expect(step['timeout-minutes']).toBeLessThan(limit);
      }
    }
  });

  it('passes only inputs that the action has, and all that it needs', () => {
    for (const [, { steps }] of jobs) {
      for (const { uses, with: given } of steps) {
        const action = /^\$\/actions\/(.*)$/.exec(uses ?? '')?.[1];
        if (action === undefined) continue;
        const { inputs } = manifestOf(action);
        const needed = Object.keys(inputs).filter((input) => inputs[input]?.required === true);
        expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
        expect(Object.keys(given)).toEqual(expect.arrayContaining(needed));
      }
    }
  });

  it('hands on what its steps say, under names whose order is known', () => {
    for (const [, { steps, outputs }] of jobs) {
      for (const [output, expression] of Object.entries(outputs)) {
        const [, id = '', member = ''] = /^\$\{\{ steps\.([\w-]+)\.outputs\.([\w-]+) \}\}$/.exec(expression) ?? [];
        expect(steps.map((step) => step.id)).toContain(id);
        expect(Object.keys(manifestOf(stepAction(steps, id)).outputs)).toContain(member);
        if (member === 'record') expect(STEP_ORDER).toContain(output);
      }
    }
  });
});

function stepAction(steps: readonly z.infer<typeof Step>[], id: string): string {
  return steps.find((step) => step.id === id)?.uses?.replace('$/actions/', '') ?? '';
}
