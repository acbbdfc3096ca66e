import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import { OutsideError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { composeReport } from '../core/report.ts';
import { type Environment, openEnvironment, sitesOf } from '../environment/environment.ts';
import { serviceStatuses } from '../environment/status.ts';
import { subjectOf } from '../environment/subject.ts';
import type { JournalRun } from '../journal/journal.ts';
import type { Platform } from '../platform/platform.ts';
import type { ServiceStatus } from '../targets/target.ts';

const inputs = z.strictObject({});

const StatusRecord = z.looseObject({
  services: z.array(
    z.looseObject({
      service: z.string(),
      host: z.string().optional(),
      version: z.string(),
      running: z.string(),
      addresses: z.array(z.string()),
      log: z.string(),
    }),
  ),
});

/** What is live, since when, whether it runs, who holds the lease, and whether a killed run waits for `recover`. */
export const status: Action<typeof inputs, Configuration, Platform> = {
  name: 'status',
  summary: 'what is live, since when, whether it runs, and who works on it',
  group: 'Look',
  settings: 'configuration',
  withoutSecrets: true,
  inputs,
  reasons: ['status', 'nothing-live', 'not-running', 'awaiting-verdict', 'recovery-needed'],
  async run({ settings }, platform) {
    const startedAt = platform.clock.now();
    const environment = await openEnvironment(settings, platform, { create: false });
    const { book, leases, journal, layout } = environment;
    const live = await book.live();
    const statuses = await statusesEverywhere(environment);
    const lease = await leases.current().catch((error: unknown) => {
      if (!(error instanceof OutsideError)) throw error;
      platform.log.warn(error.message);
      return undefined;
    });
    const stale = lease !== undefined && (await leases.isStale(lease));
    const open = await journal.open();
    const unowned = open.length > 0 && (lease === undefined || stale || lease.purpose === 'hold');
    const unfinished = unowned ? describeUnfinished(open, stale) : undefined;
    const services = statuses.map(({ service, host, version, release, instances, addresses, logFile }) => ({
      service,
      ...(host === undefined ? {} : { host }),
      release,
      version,
      running: `${instances.filter(({ alive }) => alive).length} of ${Math.max(1, settings.services[service]?.run.instances ?? 1)}`,
      processes: instances.filter(({ alive }) => alive).map(({ process }) => process.pid),
      addresses: Object.values(addresses),
      log: logFile,
    }));
    const down = statuses.filter(({ instances }) => !instances.some(({ alive }) => alive));
    const findings: Finding[] = down.map(({ service, host, logFile }) => ({
      check: `process-running:${service}`,
      layer: 'infrastructure',
      outcome: 'fail',
      severity: 'critical',
      message: `${service} is live${host === undefined ? '' : ` on ${host}`} but no process of it runs`,
      remedy: `Read ${logFile}; "holdfast rollback" returns to the last good release.`,
    }));
    for (const error of environment.unreachable) {
      const check = {
        check: 'machine-reachable',
        layer: 'infrastructure',
        outcome: 'unknown',
        severity: 'critical',
      } as const;
      findings.push({ ...check, message: error.message, ...(error.hint === undefined ? {} : { remedy: error.hint }) });
    }
    const since = live === undefined ? 0 : (await environment.machine.now()) - Date.parse(live.record.changedAt);
    const reason = unfinished
      ? unfinished.reason
      : live === undefined
        ? 'nothing-live'
        : down.length > 0
          ? 'not-running'
          : 'status';
    const summary =
      live === undefined
        ? `nothing is live in ${settings.environment}`
        : `${live.record.version} is live in ${settings.environment} (${live.record.state}, for ${formatDuration(since)})`;
    const whoWorks =
      lease === undefined
        ? ''
        : `; ${stale ? 'a dead run left' : `${lease.owner.actor} has`} the lease (${lease.purpose})`;
    return composeReport(
      'status',
      subjectOf(settings, live?.record),
      { startedAt, finishedAt: platform.clock.now() },
      {
        decision: unfinished?.reason === 'recovery-needed' || down.length > 0 ? 'stop' : 'proceed',
        reason,
        summary: `${summary}${whoWorks}${unfinished === undefined ? '' : `; ${unfinished.text}`}`,
        findings,
        record: {
          root: layout.root,
          live: live === undefined ? null : { ...live.record, backup: live.capsule.backup },
          services,
          lease: lease === undefined ? null : { ...lease, stale },
          open: open.map(({ header }) => ({ run: header.run, kind: header.kind, at: header.at })),
        },
      },
    );
  },
  present(report) {
    const record = StatusRecord.safeParse(report.record).data;
    if (record === undefined || record.services.length === 0) return [];
    const rows = record.services.map(({ service, host, version, running, addresses, log }) => [
      host === undefined ? service : `${service} on ${host}`,
      version,
      running,
      addresses.join(' '),
      log,
    ]);
    return [{ kind: 'table', columns: ['service', 'version', 'running', 'address', 'log'], rows }];
  },
};

/** What runs on every machine; `host` where there are several. Logs that grew too large are rotated on the way. */
async function statusesEverywhere(environment: Environment): Promise<(ServiceStatus & { readonly host?: string })[]> {
  const found: (ServiceStatus & { readonly host?: string })[] = [];
  for (const site of sitesOf(environment)) {
    const statuses = await serviceStatuses(site);
    for (const { logFile } of statuses) await site.machine.files.rotate(logFile);
    const host = environment.others.length === 0 ? {} : { host: site.machine.name };
    found.push(...statuses.map((status) => ({ ...status, ...host })));
  }
  return found;
}

/** What a run without an owner means: it was killed, or its steps are given one by one and the next one is due. */
function describeUnfinished(
  open: readonly JournalRun[],
  died: boolean,
): { readonly reason: string; readonly text: string } {
  const [only] = open;
  if (!died && open.length === 1 && only?.marks.has('deployed') === true && !only.marks.has('rolling-back')) {
    return { reason: 'awaiting-verdict', text: 'it is not promoted yet: "holdfast promote", or "holdfast rollback"' };
  }
  return { reason: 'recovery-needed', text: 'a run did not end: "holdfast recover" finishes or undoes it' };
}
