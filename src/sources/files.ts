import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../core/canonical-json.ts';
import { Interrupted, OutsideError, UserError } from '../core/errors.ts';
import type { Kind } from '../core/kind.ts';
import {
  assertIntact,
  copyDatabase,
  countRows,
  databaseOfCompanion,
  isDatabase,
  schemaFingerprint,
} from './database.ts';
import { compileGlobs } from './glob.ts';
import { staysInside } from './manifest.ts';
import { followPlace, placeOf } from './place.ts';
import { FilesSource } from './settings.ts';
import type { DumpEntry, Notice, Source, SourceContext, WritesSince } from './source.ts';
import { readStable } from './stable-read.ts';
import { assertSameStructure } from './structure.ts';
import { swapState } from './swap.ts';
import {
  copyTree,
  describeDifferences,
  describeTree,
  dress,
  hashFile,
  moveTree,
  summariseDifferences,
  type TreeEntry,
  walkTree,
} from './tree.ts';

/**
 * A folder: files, empty folders, dot-files, links that stay inside, with modes, owners and times. SQLite databases in
 * it are known by their header and copied while they are in use. Hard links become files of their own; setuid, setgid
 * and sticky bits, extended attributes, sockets, devices and links that lead out are left out, with a notice.
 * Owners come back when Holdfast runs as root; for anyone else files belong to whoever restores.
 */
export const filesSource: Kind<typeof FilesSource, SourceContext, Source> = {
  settings: FilesSource,
  connect: (settings, context) => connectFiles(settings, context),
};

interface Live {
  readonly root: string;
  readonly isExcluded: (path: string) => boolean;
  readonly context: SourceContext;
}

function connectFiles(settings: FilesSource, context: SourceContext): Source {
  const { machine, name } = context;
  const { files } = machine;
  const place = placeOf(settings, context);
  const isExcluded = compileGlobs(settings.exclude);
  const live = async (): Promise<Live> => ({ root: await followPlace(place, files), isExcluded, context });
  return {
    name,
    kind: settings.kind,
    paths: [place],
    fingerprint: async () => fingerprintOf(await live()),
    async estimate() {
      let sizeBytes = 0;
      for await (const { status } of walkTree((await live()).root, files, isExcluded)) {
        if (status.type === 'file') sizeBytes += status.sizeBytes;
      }
      return sizeBytes;
    },
    async dump(scratch) {
      const notices: Notice[] = [];
      return { entries: dumpEntries(await live(), scratch, notices), notices };
    },
    async prove(folder, fingerprint) {
      const unpacked = { root: folder, isExcluded: () => false, context };
      for await (const path of databasesIn(unpacked)) await assertIntact(path, machine.sqlite);
      assertSameStructure(name, await fingerprintOf(unpacked), fingerprint);
      return [];
    },
    async restore(folder, aside) {
      const { root } = await live();
      await swapState(
        {
          live: root,
          companions: [],
          aside,
          ...((await files.status(folder)) === undefined
            ? {}
            : { build: (path: string) => copyTree(folder, path, files, context.signal) }),
          carryOver: (next) => carryOver({ root, isExcluded, context }, next),
        },
        files,
        context.signal,
      );
      return [];
    },
    async verify(folder, fingerprint) {
      const { root } = await live();
      const expected = await describeTree(folder, files, context.signal);
      const actual = await describeTree(root, files, context.signal, isExcluded);
      // Folders may be there only because something excluded lies in them.
      if (settings.exclude.length > 0) {
        for (const [path, { type }] of actual) if (type === 'directory' && !expected.has(path)) actual.delete(path);
      }
      const differences = describeDifferences(expected, actual);
      if (differences.length > 0) {
        throw new OutsideError(
          'state-differs',
          `${name} is not as it was backed up: ${summariseDifferences(differences)}`,
        );
      }
      assertSameStructure(name, await fingerprintOf(await live()), fingerprint);
    },
    countWrites: async (folder) => countFiles(await live(), folder),
  };
}

async function* dumpEntries(live: Live, scratch: string, notices: Notice[]): AsyncGenerator<DumpEntry> {
  const { files, sqlite } = live.context.machine;
  const doubtful: string[] = [];
  const isExcluded = (path: string) => {
    const isOut = live.isExcluded(path);
    if (!isOut && path.includes(NOT_TEXT)) doubtful.push(path);
    return isOut;
  };
  for await (const found of walkTree(live.root, files, isExcluded)) {
    if (live.context.signal.aborted) throw new Interrupted();
    const { path, status, linkTarget } = found;
    const common = {
      path,
      mode: status.mode & 0o777,
      uid: status.uid,
      gid: status.gid,
      modifiedMs: status.modifiedMs,
      sizeBytes: 0,
    };
    if (path === '' && status.type !== 'directory') {
      throw new UserError('not-a-folder', `the state ${live.context.name} is not a folder: ${live.root}`);
    }
    const reason = whyLeftOut(found);
    if (reason !== undefined) {
      notices.push({ path, message: reason });
      continue;
    }
    if (status.mode > 0o777) {
      notices.push({ path, message: 'setuid, setgid or sticky is not kept' });
    }
    if (status.type === 'directory') yield { type: 'directory', ...common };
    if (linkTarget !== undefined) yield { type: 'link', ...common, linkTarget };
    if (status.type !== 'file' || (await isCompanion(join(live.root, path), live))) continue;

    const absolute = join(live.root, path);
    const copy = join(scratch, 'database');
    const isCopied = await isDatabase(absolute, files);
    if (isCopied) {
      await files.remove(copy);
      await copyDatabase(absolute, copy, sqlite);
    }
    const content = await readStable(isCopied ? copy : absolute, scratch, files);
    if (content === undefined) {
      notices.push({ path, message: 'was removed while the backup was taken' });
      continue;
    }
    if (!content.settled) notices.push({ path, message: 'kept changing while it was read' });
    const modifiedMs = isCopied ? status.modifiedMs : content.modifiedMs;
    yield { type: 'file', ...common, modifiedMs, sizeBytes: content.sizeBytes, open: content.open };
    await content.close();
    if (isCopied) await files.remove(copy);
  }
  for (const path of doubtful) {
    if ((await files.status(join(live.root, path))) !== undefined) continue;
    // It cannot be opened by this name. To pass it over would be to lose it with the next restore.
    throw new UserError('name-not-text', `the name of ${path} in the state ${live.context.name} is not UTF-8`, {
      hint: 'Rename it (convmv turns a whole folder into UTF-8), or exclude the folder that holds it.',
    });
  }
}

/** What stands for the bytes of a name that are no UTF-8. */
const NOT_TEXT = '\ufffd';

function whyLeftOut({ path, status, linkTarget }: TreeEntry): string | undefined {
  if (status.type === 'other') return 'a socket, pipe or device cannot be kept';
  if (linkTarget !== undefined && !staysInside(path, linkTarget)) return `the link to ${linkTarget} leads out`;
  return undefined;
}

/** A journal or write-ahead log whose content is in the copy of its database already. */
async function isCompanion(path: string, live: Live): Promise<boolean> {
  const database = databaseOfCompanion(path);
  return database !== undefined && (await isDatabase(database, live.context.machine.files));
}

async function* databasesIn(live: Live): AsyncGenerator<string> {
  const { files } = live.context.machine;
  for await (const { path, status } of walkTree(live.root, files, live.isExcluded)) {
    if (status.type === 'file' && (await isDatabase(join(live.root, path), files))) yield join(live.root, path);
  }
}

/** Over the databases in the folder, by path; undefined when there are none. */
async function fingerprintOf(live: Live): Promise<string | undefined> {
  const structures: [string, string][] = [];
  for await (const path of databasesIn(live)) {
    structures.push([path.slice(live.root.length), await schemaFingerprint(path, live.context.machine.sqlite)]);
  }
  if (structures.length === 0) return undefined;
  return createHash('sha256').update(canonicalJson(structures)).digest('hex');
}

/** Moves each excluded file or folder, as a whole, to the same place in the new tree. */
async function carryOver(live: Live, next: string): Promise<void> {
  const { machine, signal } = live.context;
  const { files } = machine;
  const excluded: string[] = [];
  const remember = (path: string) => {
    const isOut = live.isExcluded(path);
    if (isOut) excluded.push(path);
    return isOut;
  };
  const parents = new Map<string, TreeEntry>();
  for await (const entry of walkTree(live.root, files, remember)) {
    if (entry.status.type === 'directory') parents.set(entry.path, entry);
  }
  for (const path of excluded) {
    const target = join(next, path);
    if ((await files.status(dirname(target))) === undefined) {
      await files.makeDirectory(dirname(target));
      for (let folder = dirname(path); ; folder = dirname(folder)) {
        const look = parents.get(folder === '.' ? '' : folder);
        if (look !== undefined) await dress(join(next, folder), look.status, files);
        if (folder === '.') break;
      }
    }
    await files.remove(target);
    await moveTree(join(live.root, path), target, files, signal);
  }
}

async function countFiles(live: Live, folder: string): Promise<WritesSince> {
  const { machine, signal } = live.context;
  const { files } = machine;
  let rows = 0;
  let hasDatabase = false;
  const details: string[] = [];
  const changed: string[] = [];
  const seen = new Set<string>();
  for await (const { path, status, linkTarget } of walkTree(live.root, files, live.isExcluded)) {
    if (signal.aborted) throw new Interrupted();
    const absolute = join(live.root, path);
    seen.add(path);
    if (status.type === 'directory' || status.type === 'other' || (await isCompanion(absolute, live))) continue;
    if (linkTarget !== undefined && !staysInside(path, linkTarget)) continue;
    const copy = join(folder, path);
    if (status.type === 'file' && (await isDatabase(absolute, files))) {
      hasDatabase = true;
      const counted = await countRows(copy, absolute, machine);
      rows += counted.count;
      details.push(...counted.details.map((detail) => `${path}: ${detail}`));
    } else if (await differs(absolute, copy, live)) changed.push(path);
  }
  const gone: string[] = [];
  for await (const { path, status } of walkTree(folder, files)) {
    if (status.type !== 'directory' && !seen.has(path)) gone.push(path);
  }
  if (changed.length > 0) details.unshift(`${changed.length} files written: ${some(changed)}`);
  if (gone.length > 0) details.unshift(`${gone.length} files gone: ${some(gone)}`);
  return { count: changed.length + gone.length + rows, unit: hasDatabase ? 'writes' : 'files', details };
}

/** Same size and time are taken for the same content, which restored and untouched files have. */
async function differs(live: string, copy: string, { context }: Live): Promise<boolean> {
  const { files } = context.machine;
  const [a, b] = await Promise.all([files.status(live), files.status(copy)]);
  if (a === undefined || b === undefined || a.type !== b.type) return a !== b;
  if (a.type === 'link') return (await files.readLink(live)) !== (await files.readLink(copy));
  if (a.sizeBytes !== b.sizeBytes) return true;
  if (Math.floor(a.modifiedMs) === Math.floor(b.modifiedMs)) return false;
  return (await hashFile(live, files)) !== (await hashFile(copy, files));
}

function some(paths: readonly string[]): string {
  return paths.length > 3 ? `${paths.slice(0, 3).join(', ')} …` : paths.join(', ');
}
