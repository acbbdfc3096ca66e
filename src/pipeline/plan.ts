import { isAbsolute, join } from 'node:path';
import { decideAccess } from '../authorize/authorize.ts';
import type { Configuration } from '../config/configuration.ts';
import { formatBytes } from '../core/bytes.ts';
import { formatDuration } from '../core/duration.ts';
import type { Finding } from '../core/finding.ts';
import { composeReport, type Report } from '../core/report.ts';
import { deploySteps } from '../deploy/deploy.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { lastGoodBefore } from '../environment/releases.ts';
import { describeWrites } from '../environment/restore.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';
import { listBackups, readManifest } from '../sources/catalog.ts';
import { countWrites, unpackBackup } from '../sources/restore.ts';
import type { Startable } from '../targets/directory/instances.ts';
import type { LiveRelease } from '../targets/target.ts';
import { STAGES } from './stages.ts';

export interface PlanRequest {
  readonly version: string;
  readonly service: string | undefined;
}

interface PlannedStep {
  readonly stage: string;
  readonly step: string;
  readonly what: string;
}

/** What a release would do, step by step, and what it would put at risk. Changes nothing that runs or is kept. */
export async function plan(request: PlanRequest, settings: Configuration, platform: Platform): Promise<Report> {
  const startedAt = platform.clock.now();
  const environment = await openEnvironment(settings, platform, { create: false });
  const live = await environment.book.live();
  const steps = STAGES.flatMap(({ name, summary }): PlannedStep[] =>
    name === 'deploy'
      ? stepsOfDeploy(request, live, environment)
      : name === 'backup' && environment.sources.length === 0
        ? [
            {
              stage: name,
              step: '',
              what: 'nothing: no state is configured, so a rollback brings back code and configuration only',
            },
          ]
        : [{ stage: name, step: '', what: summary }],
  );
  const retiring = await environment.instances.services();
  const retired = retiring.filter((service) => settings.services[service] === undefined);
  const back = live?.record.state === 'good' ? live.record : await lastGoodBefore(live?.record.release, environment);
  const risk = await writesAtRisk(environment);
  const findings = [
    ...(await judgeBeforehand(request, environment)),
    ...(await lookBeforehand(request, live, environment)),
    ...gaps(settings),
  ];
  const stops = findings.some(({ outcome }) => outcome === 'fail');
  const way =
    back === undefined
      ? 'a failure would lead back to nothing being live'
      : `a failure would lead back to ${back.version}`;
  return composeReport(
    'plan',
    subjectOf(settings),
    { startedAt, finishedAt: platform.clock.now() },
    {
      decision: stops ? 'stop' : 'proceed',
      reason: stops ? 'would-stop' : 'planned',
      summary: `${request.version} would replace ${live?.record.version ?? 'nothing'} in ${settings.environment}; ${way}`,
      findings,
      record: {
        plan: steps,
        retired,
        live: live === undefined ? null : { release: live.record.release, version: live.record.version },
        back: back === undefined ? null : { release: back.release, version: back.version },
        risk,
      },
    },
  );
}

const RELEASE = 'the new release';

/** The services as they would be started, and those of them that would change. */
function plannedServices({ version, service }: PlanRequest, live: LiveRelease | undefined, { settings }: Environment) {
  const startables: Startable[] = Object.entries(settings.services).map(([name, each]) => ({
    service: name,
    release: RELEASE,
    version: service === undefined || service === name ? version : (live?.capsule.services[name]?.version ?? version),
    settings: each,
  }));
  const changed = new Set(
    startables
      .map((each) => each.service)
      .filter((name) => service === undefined || service === name || live?.capsule.services[name] === undefined),
  );
  return { startables, changed };
}

function stepsOfDeploy(request: PlanRequest, live: LiveRelease | undefined, environment: Environment): PlannedStep[] {
  const { version } = request;
  const { startables, changed } = plannedServices(request, live, environment);
  const staging = [...changed].map((name) => ({
    stage: 'deploy',
    step: `stage:${name}`,
    what: `put the files of ${name} ${version} beside the live ones`,
  }));
  const walking = deploySteps(RELEASE, startables, changed, [], environment, environment).map(({ name, summary }) => ({
    stage: 'deploy',
    step: name,
    what: summary,
  }));
  return [...staging, ...walking];
}

/** What the release itself would look at first: is every artifact there, is every port free, can the supervisor be used. */
async function lookBeforehand(
  request: PlanRequest,
  live: LiveRelease | undefined,
  environment: Environment,
): Promise<Finding[]> {
  const { startables, changed } = plannedServices(request, live, environment);
  const findings: Finding[] = [];
  const stop = (check: string, message: string, remedy: string | undefined) =>
    findings.push({
      check,
      layer: 'release',
      outcome: 'fail',
      severity: 'high',
      message,
      ...(remedy === undefined ? {} : { remedy }),
    });
  for (const { service, settings } of startables.filter((each) => changed.has(each.service))) {
    if (settings.artifact === undefined) continue;
    const path = isAbsolute(settings.artifact)
      ? settings.artifact
      : join(environment.settings.directory, settings.artifact);
    if ((await environment.platform.files.status(path)) !== undefined) continue;
    stop(
      `artifact:${service}`,
      `services.${service}.artifact names ${path}, and there is nothing`,
      'Build it first, or correct the path.',
    );
  }
  const steps = deploySteps(RELEASE, startables, changed, [], environment, environment);
  for (const step of steps.filter(({ looks }) => looks === true)) {
    const result = await step.run({ progress() {}, note() {} });
    if (result.outcome === 'failed') stop(step.name, result.message, result.remedy);
  }
  return findings;
}

/** What would stop a release before it began, as far as that can be seen now. */
async function judgeBeforehand(
  { version }: PlanRequest,
  { settings, leases, journal, platform }: Environment,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const actor = platform.identity.actor;
  const access = decideAccess({ actor, action: 'release', access: settings.access, now: platform.clock.now() });
  const note = (check: string, outcome: Finding['outcome'], message: string, remedy?: string) =>
    findings.push({
      check,
      layer: 'release',
      outcome,
      severity: outcome === 'fail' ? 'high' : 'medium',
      message,
      ...(remedy === undefined ? {} : { remedy }),
    });
  note(
    'access',
    access.decision === 'stop' ? 'fail' : access.reason === 'no-policy' ? 'warn' : 'pass',
    access.message,
    access.remedy,
  );
  const lease = await leases.current();
  if (lease !== undefined && !(await leases.isStale(lease))) {
    note(
      'lease',
      'fail',
      `${lease.owner.actor} has the lease (${lease.purpose}) since ${lease.acquiredAt}`,
      'Look at it with: holdfast lock status',
    );
  }
  const open = await journal.open();
  if (open.length > 0)
    note('recovery', 'warn', `${open.length} runs did not end; releasing ${version} would finish or undo them first`);
  return findings;
}

/** Where requests would not be answered for a moment, by the strategy that was chosen. */
function gaps({ services }: Configuration): Finding[] {
  return Object.entries(services).flatMap(([service, { run }]): Finding[] => {
    if (run.port === undefined && run.ports === undefined) return [];
    const said = {
      restart: 'requests fail from its stop until the new version listens',
      overlap: 'a few connections may be reset while both versions listen',
      socket: undefined,
    }[run.strategy];
    if (said === undefined) return [];
    const remedy = 'With run.strategy: socket no request is lost, if the service can take LISTEN_FDS.';
    return [
      {
        check: `gap:${service}`,
        layer: 'release',
        outcome: 'warn',
        severity: 'low',
        message: `${service}: ${said}`,
        remedy,
        path: `services.${service}.run.strategy`,
      },
    ];
  });
}

interface Risk {
  readonly sizeBytes: number;
  readonly policy: string;
  readonly text: string;
}

/** How much there is to copy, and how fast it changes: what was written since the newest backup. */
async function writesAtRisk(environment: Environment): Promise<Risk | undefined> {
  const { sources, store, machine, platform, settings } = environment;
  if (sources.length === 0) return undefined;
  let sizeBytes = 0;
  for (const source of sources) sizeBytes += await source.estimate();
  const policy = settings.backup.on_rollback;
  const newest = (await listBackups(store)).backups.at(-1)?.record;
  if (newest === undefined)
    return {
      sizeBytes,
      policy,
      text: `${formatBytes(sizeBytes)} would be copied; there is no earlier backup to compare with`,
    };
  const scratch = await machine.files.makeTemporary('holdfast-plan-');
  try {
    const folder = join(scratch, 'unpacked');
    const log = { progress() {} };
    await unpackBackup(
      { record: newest, folder, machine, store, signal: platform.signal, log },
      await readManifest(newest.id, store),
    );
    const writes = describeWrites(await countWrites({ folder, record: newest, sources, store })) ?? 'nothing';
    const age = formatDuration(platform.clock.now() - Date.parse(newest.createdAt));
    return {
      sizeBytes,
      policy,
      text: `${formatBytes(sizeBytes)} would be copied; since the newest backup, ${age} ago, ${writes} was written`,
    };
  } finally {
    await machine.files.remove(scratch);
  }
}
