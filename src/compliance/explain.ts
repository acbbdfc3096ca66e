import { z } from 'zod';
import type { Action } from '../core/action.ts';
import { composeReport } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';
import { explainControl } from './assess.ts';

const inputs = z.strictObject({ control: z.string().meta({ description: 'The id of a control, like soc2-CC8.1' }) });

/** What a control asks for, and what of it is looked at. Needs no configuration. */
export const complianceExplain: Action<typeof inputs, undefined, Pick<Platform, 'clock'>> = {
  name: 'compliance explain',
  summary: 'what a control asks for, what is looked at, and what is not',
  group: 'One step',
  settings: 'none',
  inputs,
  positional: ['control'],
  examples: ['compliance explain soc2-CC8.1'],
  reasons: ['explained'],
  async run({ inputs: { control } }, { clock }) {
    const startedAt = clock.now();
    const text = explainControl(control);
    return composeReport(
      'compliance explain',
      { project: '', environment: '' },
      { startedAt, finishedAt: clock.now() },
      { reason: 'explained', summary: text.split('\n')[0] ?? control, record: { control, text } },
    );
  },
  bare: (report) => `${z.looseObject({ text: z.string() }).parse(report.record).text}\n`,
};
