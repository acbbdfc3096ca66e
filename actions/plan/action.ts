import { z } from 'zod';
import type { Configuration } from '../../src/config/configuration.ts';
import type { Action, Block } from '../../src/core/action.ts';
import { Version } from '../../src/core/names.ts';
import { plan } from '../../src/pipeline/plan.ts';
import type { Platform } from '../../src/platform/platform.ts';

const inputs = z.strictObject({
  version: Version.meta({ description: 'The version that would be released' }),
  service: z.string().optional().meta({ description: 'Only this service; the others would be carried over' }),
});

const PlanRecord = z.looseObject({
  plan: z.array(z.looseObject({ stage: z.string(), step: z.string(), what: z.string() })),
  retired: z.array(z.string()),
  risk: z.looseObject({ text: z.string(), policy: z.string() }).optional(),
});

/** What a release would do; changes nothing. */
export const planAction: Action<typeof inputs, Configuration, Platform> = {
  name: 'plan',
  summary: 'what a release would do, step by step, with writes at risk; changes nothing',
  group: 'Release',
  settings: 'configuration',
  inputs,
  examples: ['plan --environment production --version v2'],
  reasons: ['planned', 'would-stop'],
  run: ({ inputs: { version, service }, settings }, platform) => plan({ version, service }, settings, platform),
  present(report) {
    const record = PlanRecord.safeParse(report.record).data;
    if (record === undefined) return [];
    const blocks: Block[] = [
      {
        kind: 'table',
        columns: ['stage', 'step', 'what'],
        rows: record.plan.map(({ stage, step, what }) => [stage, step, what]),
      },
    ];
    if (record.risk !== undefined)
      blocks.push({ kind: 'text', text: `Data at risk: ${record.risk.text}. A rollback: ${record.risk.policy}.` });
    if (record.retired.length > 0)
      blocks.push({ kind: 'text', text: `Stopped for good: ${record.retired.join(', ')}.` });
    return blocks;
  },
};
