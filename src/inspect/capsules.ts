import { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import type { Action } from '../core/action.ts';
import type { Capsule } from '../core/capsule.ts';
import { UserError } from '../core/errors.ts';
import { composeReport } from '../core/report.ts';
import { type Environment, openEnvironment } from '../environment/environment.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Platform } from '../platform/platform.ts';
import type { ReleaseRecord } from '../targets/target.ts';

const ReleaseName = z
  .string()
  .meta({ description: 'A release, by its id or its version (the newest with that version)' });
const showInputs = z.strictObject({ release: ReleaseName });
const diffInputs = z.strictObject({ a: ReleaseName, b: ReleaseName });

/** The capsule of a release: everything that it is made of. */
export const show: Action<typeof showInputs, Configuration, Platform> = {
  name: 'show',
  summary: 'what a release is made of: artifacts, configuration, structure of the data, backup',
  group: 'Look',
  settings: 'configuration',
  withoutSecrets: true,
  inputs: showInputs,
  positional: ['release'],
  reasons: ['shown'],
  async run({ inputs, settings }, platform) {
    const startedAt = platform.clock.now();
    const environment = await openEnvironment(settings, platform, { create: false });
    const { record, capsule } = await capsuleNamed(inputs.release, environment);
    return composeReport(
      'show',
      subjectOf(settings, record),
      { startedAt, finishedAt: platform.clock.now() },
      {
        reason: 'shown',
        summary: `${record.release} (${record.version}) is ${record.state}, made ${record.createdAt} by ${record.actor}`,
        record: { release: record, capsule },
      },
    );
  },
  present(report) {
    const capsule = report.record?.['capsule'];
    if (capsule === undefined) return [];
    const rows = flatten(capsule, '').map(([path, value]) => [path, value]);
    return [{ kind: 'table', columns: ['what', 'value'], rows }];
  },
};

/** What differs between two capsules, member by member. */
export const diff: Action<typeof diffInputs, Configuration, Platform> = {
  name: 'diff',
  summary: 'what differs between two releases',
  group: 'Look',
  settings: 'configuration',
  withoutSecrets: true,
  inputs: diffInputs,
  positional: ['a', 'b'],
  reasons: ['same', 'different'],
  async run({ inputs, settings }, platform) {
    const startedAt = platform.clock.now();
    const environment = await openEnvironment(settings, platform, { create: false });
    const a = await capsuleNamed(inputs.a, environment);
    const b = await capsuleNamed(inputs.b, environment);
    const changes = compareCapsules(a.capsule, b.capsule);
    return composeReport(
      'diff',
      subjectOf(settings),
      { startedAt, finishedAt: platform.clock.now() },
      {
        reason: changes.length === 0 ? 'same' : 'different',
        summary: `${changes.length} members differ between ${a.record.release} (${a.record.version}) and ${b.record.release} (${b.record.version})`,
        record: { changes },
      },
    );
  },
  present(report) {
    const changes = z
      .array(z.strictObject({ member: z.string(), a: z.string(), b: z.string() }))
      .safeParse(report.record?.['changes']).data;
    if (changes === undefined || changes.length === 0) return [];
    return [{ kind: 'table', columns: ['member', 'a', 'b'], rows: changes.map(({ member, a, b }) => [member, a, b]) }];
  },
};

/** Members of two capsules whose values differ; `-` where one lacks it. Ids of the releases themselves do not count. */
export function compareCapsules(a: Capsule, b: Capsule): { member: string; a: string; b: string }[] {
  const left = new Map(flatten(a, ''));
  const right = new Map(flatten(b, ''));
  const members = [...new Set([...left.keys(), ...right.keys()])].filter((member) => member !== 'release').sort();
  return members
    .map((member) => ({ member, a: left.get(member) ?? '-', b: right.get(member) ?? '-' }))
    .filter((change) => change.a !== change.b);
}

async function capsuleNamed(name: string, { book }: Environment): Promise<{ record: ReleaseRecord; capsule: Capsule }> {
  const records = await book.list();
  const record = records.find(({ release }) => release === name) ?? records.find(({ version }) => version === name);
  if (record === undefined) {
    throw new UserError('release-unknown', `there is no release ${name} here`, {
      hint: 'List them with: holdfast releases',
    });
  }
  return { record, capsule: await book.capsule(record.release) };
}

function flatten(value: unknown, path: string): [string, string][] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, member]) => flatten(member, path === '' ? key : `${path}.${key}`));
  }
  return [[path, String(value)]];
}
