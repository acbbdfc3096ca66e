import { z } from 'zod';
import type { Report } from '../../src/core/report.ts';
import type { CliAction } from '../../src/hosts/cli-action.ts';

type FreeAction = Extract<CliAction, { settings: 'none' }>;

/** A report that says that all is well; the test states only what matters. */
export function aReport(part: Partial<Report> = {}): Report {
  return {
    schema: 1,
    action: 'look',
    subject: { project: 'shop', environment: 'local' },
    decision: 'proceed',
    reason: 'seen',
    summary: 'all is well',
    findings: [],
    startedAt: '2026-11-22T10:00:00.000Z',
    finishedAt: '2026-11-22T10:00:01.000Z',
    ...part,
  };
}

/** An action that needs no configuration and answers `aReport`; the test states only what matters. */
export function anAction(part: Partial<FreeAction> = {}): FreeAction {
  return {
    name: 'look',
    summary: 'Looks at what is there',
    inputs: z.strictObject({}),
    settings: 'none',
    withoutSecrets: true,
    reasons: ['seen'],
    run: async () => aReport(),
    ...part,
  };
}
