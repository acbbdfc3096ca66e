import { z } from 'zod';
import { type Baseline, compareBaselines, isBaselineIntact } from '../checks/baseline.ts';
import { planChecks } from '../checks/catalogue.ts';
import { recordBaseline } from '../checks/record-baseline.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Action, Block } from '../core/action.ts';
import { formatDuration } from '../core/duration.ts';
import { UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Report, ReportParts } from '../core/report.ts';
import { answer } from '../environment/answer.ts';
import {
  baselineNamed,
  findBaseline,
  keepBaseline,
  listBaselines,
  saveBaseline,
  writeReviewed,
} from '../environment/baselines.ts';
import type { Environment } from '../environment/environment.ts';
import { keepWithRun } from '../environment/kept-baseline.ts';
import { observe } from '../environment/observe.ts';
import { requireLive } from '../environment/releases.ts';
import type { Platform } from '../platform/platform.ts';

type BaselineAction<Inputs extends z.ZodObject> = Action<Inputs, Configuration, Platform>;

const Named = z.string().meta({ description: '`latest`, the beginning of an id, or a file beside holdfast.yml' });
const recordInputs = z.strictObject({
  write: z
    .boolean()
    .prefault(false)
    .meta({ description: 'Also write it to baselines/<project>/<environment>.json beside holdfast.yml, for review' }),
});
const showInputs = z.strictObject({ id: Named.prefault('latest') });
const diffInputs = z.strictObject({ a: Named, b: Named });
const acceptInputs = z.strictObject({
  id: Named.optional().meta({ description: 'The one that is recorded last by default; else as for show' }),
});

/**
 * Records what the live release answers now. Releases are compared with it once it is accepted; where a workflow runs, those
 * of other environments at once, when the release is a good one.
 */
export const baselineRecord: BaselineAction<typeof recordInputs> = {
  name: 'baseline record',
  summary: 'record what the live release answers and how fast, as something to compare with',
  group: 'State',
  settings: 'configuration',
  inputs: recordInputs,
  examples: ['baseline record', 'baseline record --environment local --write'],
  reasons: ['recorded', 'nothing-to-record'],
  run: ({ inputs: { write }, settings }, platform) =>
    answer('baseline record', settings, platform, { create: false }, async (environment) => {
      const { baseline, isGood } = await recordLive(environment);
      const count = Object.keys(baseline.checks).length;
      if (count === 0) {
        const summary = `no check of ${baseline.version} gave an answer that is right and can be compared`;
        return { decision: 'stop', reason: 'nothing-to-record', summary };
      }
      await keepBaseline(baseline, environment);
      const path = write ? await writeReviewed(baseline, environment) : undefined;
      const { baseline: latest } = await findBaseline(environment);
      const changed = latest === undefined ? [] : compareBaselines(latest, baseline);
      const against = latest === undefined ? '' : `, ${changed.length} differences to the one that counts`;
      const where = path === undefined ? '' : `; written to ${path}`;
      return {
        reason: 'recorded',
        summary: `${shortId(baseline)} holds ${count} checks of ${baseline.version}${against}${where}; it counts after: holdfast baseline accept`,
        findings: isGood ? await keepWithRun(baseline, environment) : [notGoodFinding(baseline.version)],
        record: { baseline, ...(path === undefined ? {} : { path }) },
      };
    }),
  present: presentBaseline,
};

/** What a baseline holds. */
export const baselineShow: BaselineAction<typeof showInputs> = {
  name: 'baseline show',
  summary: 'what a release is compared with',
  group: 'State',
  settings: 'configuration',
  inputs: showInputs,
  positional: ['id'],
  reasons: ['shown'],
  run: ({ inputs: { id }, settings }, platform) =>
    answer('baseline show', settings, platform, { create: false }, async (environment) =>
      shown(await baselineNamed(id, environment), environment),
    ),
  present: presentBaseline,
};

/** What is different in the second baseline. */
export const baselineDiff: BaselineAction<typeof diffInputs> = {
  name: 'baseline diff',
  summary: 'what differs between two baselines',
  group: 'State',
  settings: 'configuration',
  inputs: diffInputs,
  positional: ['a', 'b'],
  examples: ['baseline diff latest 3f9a02', 'baseline diff latest baselines/shop/local.json'],
  reasons: ['same', 'different'],
  run: ({ inputs, settings }, platform) =>
    answer('baseline diff', settings, platform, { create: false }, async (environment) => {
      const a = await baselineNamed(inputs.a, environment);
      const b = await baselineNamed(inputs.b, environment);
      const differences = compareBaselines(a, b);
      return {
        reason: differences.length === 0 ? 'same' : 'different',
        summary: `${differences.length} differences between ${shortId(a)} (${a.version} in ${a.environment}) and ${shortId(b)} (${b.version} in ${b.environment})`,
        findings: [...intactFindings(a, inputs.a), ...intactFindings(b, inputs.b)],
        record: { differences },
      };
    }),
  present(report) {
    const differences = z
      .array(z.strictObject({ check: z.string(), text: z.string() }))
      .safeParse(report.record?.['differences']).data;
    if (differences === undefined || differences.length === 0) return [];
    return [
      { kind: 'table', columns: ['check', 'in the second'], rows: differences.map(({ check, text }) => [check, text]) },
    ];
  },
};

/** From here on releases are compared with this baseline. */
export const baselineAccept: BaselineAction<typeof acceptInputs> = {
  name: 'baseline accept',
  summary: 'make a recorded baseline the one that releases are compared with',
  group: 'State',
  settings: 'configuration',
  inputs: acceptInputs,
  positional: ['id'],
  reasons: ['accepted', 'accepted-already'],
  run: ({ inputs: { id }, settings }, platform) =>
    answer('baseline accept', settings, platform, { create: false }, async (environment) => {
      const { from } = settings.validate.baseline;
      if (from !== undefined && from !== settings.environment) {
        throw new UserError(
          'baseline-is-a-file',
          `${settings.environment} is compared with the reviewed baseline of ${from}, not with one of its own`,
          {
            hint: `Change baselines/${settings.project}/${from}.json by a pull request: holdfast baseline record --write`,
          },
        );
      }
      const baseline = id === undefined ? await lastRecorded(environment) : await baselineNamed(id, environment);
      const { baseline: before } = await findBaseline(environment);
      if (before?.id === baseline.id) {
        return { reason: 'accepted-already', summary: `${shortId(baseline)} counts already`, record: { baseline } };
      }
      await saveBaseline(baseline, environment);
      const changed =
        before === undefined
          ? 'the first one'
          : `${compareBaselines(before, baseline).length} differences to the one before`;
      return {
        reason: 'accepted',
        summary: `releases are compared with ${shortId(baseline)} of ${baseline.version} from now on (${changed})`,
        findings: intactFindings(baseline, id ?? 'latest'),
        record: { baseline, ...(before === undefined ? {} : { before: before.id }) },
      };
    }),
  present: presentBaseline,
};

async function recordLive(environment: Environment): Promise<{ baseline: Baseline; isGood: boolean }> {
  const { settings, platform } = environment;
  const { release, version, state } = (await requireLive(environment)).record;
  const { secretValues } = settings;
  const subject = { environment: settings.environment, release, version, secretValues };
  const { clock, signal, log } = platform;
  const baseline = await recordBaseline(planChecks(await observe(environment)), subject, { clock, signal, log });
  return { baseline, isGood: state === 'good' };
}

async function lastRecorded(environment: Environment): Promise<Baseline> {
  const last = (await listBaselines(environment)).at(-1);
  if (last !== undefined) return last;
  throw new UserError('no-baseline', `no baseline was recorded in ${environment.settings.environment}`, {
    hint: 'Record one of the live release: holdfast baseline record',
  });
}

async function shown(baseline: Baseline, environment: Environment): Promise<ReportParts> {
  const { version, environment: of, recordedAt, checks } = baseline;
  const counts =
    (await findBaseline(environment)).baseline?.id === baseline.id ? '; releases are compared with it' : '';
  return {
    reason: 'shown',
    summary: `${shortId(baseline)} holds ${Object.keys(checks).length} checks of ${version} in ${of}, recorded ${recordedAt}${counts}`,
    findings: intactFindings(baseline, shortId(baseline)),
    record: { baseline },
  };
}

function shortId({ id }: Baseline): string {
  return id.slice(0, 12);
}

/** A reviewed file may be edited by hand: then it is not what some release answered. */
function intactFindings(baseline: Baseline, name: string): Finding[] {
  if (isBaselineIntact(baseline)) return [];
  return [
    {
      check: 'baseline-intact',
      layer: 'release',
      outcome: 'warn',
      severity: 'medium',
      message: `${name} was changed after it was recorded: its id is not that of its content`,
      remedy: 'Record it again: holdfast baseline record',
    },
  ];
}

function notGoodFinding(version: string): Finding {
  return {
    check: 'baseline-of-a-good-release',
    layer: 'release',
    outcome: 'warn',
    severity: 'medium',
    message: `${version} is live but not good, so what it answers may not be right`,
    remedy: 'Accept it only when you know that it is; promote the release first.',
  };
}

const ShownBaseline = z.looseObject({
  checks: z.record(
    z.string(),
    z.looseObject({
      status: z.int().optional(),
      contentType: z.string().optional(),
      shape: z.unknown().optional(),
      latency: z.looseObject({ p50Ms: z.number(), p95Ms: z.number(), n: z.int() }).optional(),
    }),
  ),
});

function presentBaseline(report: Report): readonly Block[] {
  const baseline = ShownBaseline.safeParse(report.record?.['baseline']).data;
  if (baseline === undefined) return [];
  const rows = Object.entries(baseline.checks).map(([check, { status, contentType, shape, latency }]) => [
    check,
    status === undefined ? '' : String(status),
    contentType ?? '',
    shape === undefined ? '' : 'kept',
    latency === undefined ? '' : formatDuration(latency.p50Ms),
    latency === undefined ? '' : formatDuration(latency.p95Ms),
    latency === undefined ? '' : String(latency.n),
  ]);
  return [{ kind: 'table', columns: ['check', 'status', 'type', 'structure', 'median', '95 %', 'samples'], rows }];
}
