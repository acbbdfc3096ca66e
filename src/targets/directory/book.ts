import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { WorkflowCall } from '../../core/admission.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { Capsule } from '../../core/capsule.ts';
import { OutsideError, UserError } from '../../core/errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { ServiceSettings } from '../settings.ts';
import { type LiveRelease, ReleaseRecord, type ReleaseState } from '../target.ts';
import type { Layout } from './layout.ts';

/** What is needed to run a release again, secrets included: settings after substitution, by service. */
export const SecretSettings = z.strictObject({
  schema: z.literal(1),
  services: z.record(
    z.string(),
    z.custom<ServiceSettings>((value) => typeof value === 'object' && value !== null),
  ),
});
export type SecretSettings = z.infer<typeof SecretSettings>;

/** The records, capsules and resolved settings of all releases of one environment. */
export interface ReleaseBook {
  /** Writes capsule, settings and a record in state `staged`. */
  enter(entry: BookEntry): Promise<ReleaseRecord>;
  mark(release: string, state: ReleaseState, failure?: string): Promise<void>;
  /** Newest first. */
  list(): Promise<ReleaseRecord[]>;
  /** Undefined when there is no such release. */
  find(release: string): Promise<ReleaseRecord | undefined>;
  /** Rejects when it is missing or not what the record says. */
  capsule(release: string): Promise<Capsule>;
  settings(release: string): Promise<SecretSettings>;
  /** The release that `current` points to. */
  live(): Promise<LiveRelease | undefined>;
  remove(release: string): Promise<void>;
}

export interface BookEntry {
  readonly capsule: Capsule;
  readonly settings: SecretSettings;
  readonly previous: string | undefined;
  readonly actor: string;
  readonly run?: WorkflowCall | undefined;
  readonly at: string;
}

export function releaseBook(layout: Layout, machine: Machine): ReleaseBook {
  const { files } = machine;
  const book: ReleaseBook = {
    async enter({ capsule, settings, previous, actor, run, at }) {
      const text = canonicalJson(capsule);
      await files.write(layout.secretSettings(capsule.release), JSON.stringify(settings), 0o600);
      await files.write(layout.capsule(capsule.release), text, 0o600);
      const record: ReleaseRecord = {
        schema: 1,
        release: capsule.release,
        version: capsule.version,
        state: 'staged',
        createdAt: at,
        changedAt: at,
        capsule: sha256(text),
        ...(previous === undefined ? {} : { previous }),
        actor,
        ...(run === undefined ? {} : { run }),
      };
      await files.write(layout.record(capsule.release), JSON.stringify(record), 0o600);
      return record;
    },
    async mark(release, state, failure) {
      const record = await book.find(release);
      if (record === undefined) return;
      const changedAt = new Date(await machine.now()).toISOString();
      const marked = { ...record, state, changedAt, ...(failure === undefined ? {} : { failure }) };
      await files.write(layout.record(release), JSON.stringify(marked), 0o600);
    },
    async list() {
      const names = (await files.list(layout.records)).filter(
        (name) => name.endsWith('.json') && !name.startsWith('.'),
      );
      const records = await Promise.all(names.map((name) => book.find(name.slice(0, -'.json'.length))));
      return records.filter((record) => record !== undefined).sort((a, b) => (a.release < b.release ? 1 : -1));
    },
    find: (release) => readOwn(layout.record(release), ReleaseRecord, machine),
    async capsule(release) {
      const record = await book.find(release);
      const bytes = await files.read(layout.capsule(release));
      if (record === undefined || bytes === undefined) {
        throw new UserError('release-unknown', `there is no release ${release} on ${machine.name}`, {
          hint: 'List them with: holdfast releases',
        });
      }
      if (sha256(bytes.toString('utf8')) !== record.capsule) {
        throw new OutsideError('capsule-changed', `the capsule of ${release} is not what was released`, {
          hint: `Somebody changed ${layout.capsule(release)}; roll back to another release.`,
        });
      }
      return Capsule.parse(JSON.parse(bytes.toString('utf8')));
    },
    async settings(release) {
      const settings = await readOwn(layout.secretSettings(release), SecretSettings, machine);
      if (settings === undefined) {
        throw new OutsideError('settings-missing', `the settings of ${release} are missing on ${machine.name}`, {
          hint: 'Roll back to another release.',
        });
      }
      return settings;
    },
    async live() {
      const link = await files.readLink(layout.current);
      if (link === undefined) return undefined;
      const release = link.split('/').at(-1) ?? '';
      const record = await book.find(release);
      if (record === undefined) {
        throw new OutsideError('live-unknown', `${layout.current} points to ${link}, which is no release of Holdfast`, {
          hint: 'Choose an empty folder as the root of this environment.',
        });
      }
      return { record, capsule: await book.capsule(release) };
    },
    async remove(release) {
      // The record goes last: while it is there, an interrupted removal is repeated. The capsule goes first: without it
      // nothing returns to a release of which only a part is left.
      await files.remove(layout.capsule(release));
      await files.remove(layout.secretSettings(release));
      await files.remove(layout.release(release));
      await files.remove(layout.aside(release));
      await files.remove(layout.report(release));
      await files.remove(layout.record(release));
    },
  };
  return book;
}

/** Reads a file that Holdfast wrote; undefined when there is none, OutsideError when it is not what was written. */
export async function readOwn<T>(path: string, schema: z.ZodType<T>, machine: Machine): Promise<T | undefined> {
  const bytes = await machine.files.read(path);
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new OutsideError('target-damaged', `${path} on ${machine.name} is not what Holdfast wrote`, {
      hint: 'Restore the file, or move it away if it is not needed.',
      cause: error,
    });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Creates the folders that everything else expects. Holdfast's own one is for its user only. */
export async function createFolders(layout: Layout, machine: Machine): Promise<void> {
  const { files } = machine;
  await files.makeDirectory(layout.releases);
  await files.makeDirectory(join(layout.root, 'shared'));
  await files.makeDirectory(layout.own, 0o700);
  const own = [
    layout.journal,
    layout.records,
    layout.processes,
    layout.units,
    layout.logs,
    layout.holder,
    layout.scratch,
    layout.baselines,
  ];
  for (const folder of [
    ...own,
    join(layout.own, 'capsules'),
    join(layout.own, 'settings'),
    join(layout.own, 'aside'),
  ]) {
    await files.makeDirectory(folder, 0o700);
  }
}
