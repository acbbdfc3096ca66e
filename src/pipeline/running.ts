import { z } from 'zod';
import { accessFinding, decideAccess } from '../authorize/authorize.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Report, ReportParts } from '../core/report.ts';
import { answer } from '../environment/answer.ts';
import { type Environment, sitesOf } from '../environment/environment.ts';
import { requireStateSecrets } from '../environment/sealed-state.ts';
import { startLive } from '../environment/start-live.ts';
import { stopEverything } from '../environment/teardown.ts';
import type { Lease } from '../journal/lease.ts';
import type { Platform } from '../platform/platform.ts';
import { recover } from '../recover/recover.ts';
import { NOT_UNDONE } from './step.ts';

const inputs = z.strictObject({});

/** Starts what is live and does not run: after a reboot, a crash, or a stop. */
export const start: Action<typeof inputs, Configuration, Platform> = {
  name: 'start',
  summary: 'start what is live and does not run, after a reboot or a stop',
  group: 'Release',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  reasons: ['running', 'no-role', 'unsafe'],
  run: ({ settings }, platform) =>
    changing('start', settings, platform, async (lease, environment) => {
      const live = await environment.book.live();
      if (live === undefined) throw nothingLive(settings);
      const failed = (await startLive(live.record.release, lease, environment)).failed?.result;
      if (failed?.outcome !== 'failed') return { reason: 'running', summary: `${live.record.version} runs` };
      const finding: Finding = {
        check: 'start',
        layer: 'release',
        outcome: 'fail',
        severity: 'critical',
        message: failed.message,
        remedy: failed.remedy ?? 'Mend what the message names, then start it again.',
      };
      const summary = `${live.record.version} does not start: ${failed.message}`;
      return { decision: 'stop', reason: 'unsafe', summary, findings: [finding] };
    }),
};

/** Stops every process of an environment; what is live stays live, and `start` brings it back. */
export const stop: Action<typeof inputs, Configuration, Platform> = {
  name: 'stop',
  summary: 'stop every process of the environment; `start` brings them back',
  group: 'Release',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  reasons: ['stopped', 'no-role', 'unsafe'],
  run: ({ settings }, platform) =>
    changing('stop', settings, platform, async (_lease, environment) => {
      for (const site of sitesOf(environment)) await stopEverything(site);
      return {
        reason: 'stopped',
        summary: `nothing of ${settings.environment} runs; "holdfast start" starts it again`,
      };
    }),
};

function changing(
  action: string,
  settings: Configuration,
  platform: Platform,
  work: (lease: Lease, environment: Environment) => Promise<ReportParts>,
): Promise<Report> {
  return answer(action, settings, platform, { create: false }, async (environment) => {
    const { actor } = platform.identity;
    const access = decideAccess({ actor, action: 'hold', access: settings.access, now: platform.clock.now() });
    if (access.decision === 'stop') {
      return { decision: 'stop', reason: access.reason, summary: access.message, findings: [accessFinding(access)] };
    }
    if ((await environment.machine.files.status(environment.layout.own)) === undefined) throw nothingLive(settings);
    if ((await environment.journal.open()).length > 0) requireStateSecrets(settings, '');
    const lease = await environment.leases.acquire({ environment: settings.environment, purpose: 'change', actor });
    try {
      const recovered = await recover(lease, environment);
      return recovered.failed === undefined ? await work(lease, environment) : NOT_UNDONE;
    } finally {
      await lease.release();
    }
  });
}

function nothingLive({ environment }: Configuration): UserError {
  return new UserError('nothing-live', `nothing is live in ${environment}`, { hint: 'Release a version first.' });
}
