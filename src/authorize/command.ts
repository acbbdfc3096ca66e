import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { composeReport } from '../core/report.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';
import { ACCESS_REASONS, accessFinding, decideAccess } from './authorize.ts';

const inputs = z.strictObject({});

/** Whether who runs this may release now. Touches nothing. */
export const authorizeAction: Action<typeof inputs, Configuration, Pick<Platform, 'clock' | 'identity'>> = {
  name: 'authorize',
  summary: 'whether you may release now: your role, and whether releases are frozen',
  group: 'One step',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  reasons: ACCESS_REASONS,
  async run({ settings }, { clock, identity }) {
    const startedAt = clock.now();
    const { actor } = identity;
    const access = decideAccess({ actor, action: 'release', access: settings.access, now: startedAt });
    return composeReport(
      'authorize',
      subjectOf(settings),
      { startedAt, finishedAt: clock.now() },
      {
        decision: access.decision,
        reason: access.reason,
        summary: access.message,
        findings: [accessFinding(access)],
        record: { actor, ...(access.role === undefined ? {} : { role: access.role }) },
      },
    );
  },
};
