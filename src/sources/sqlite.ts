import { join } from 'node:path';
import { OutsideError } from '../core/errors.ts';
import type { Kind } from '../core/kind.ts';
import { assertIntact, companionsOf, copyDatabase, countRows, isDatabase, schemaFingerprint } from './database.ts';
import { followPlace, placeOf } from './place.ts';
import { SqliteSource } from './settings.ts';
import type { DumpEntry, Source, SourceContext } from './source.ts';
import { assertSameStructure } from './structure.ts';
import { swapState } from './swap.ts';
import { copyTree, hashFile } from './tree.ts';

/** One SQLite database, copied while it is in use. */
export const sqliteSource: Kind<typeof SqliteSource, SourceContext, Source> = {
  settings: SqliteSource,
  connect: (settings, context) => connectSqlite(settings, context),
};

/** What the copy is called in a backup, whatever the database is called where it lives. */
const COPY = 'database';

function connectSqlite(settings: SqliteSource, context: SourceContext): Source {
  const { machine, name } = context;
  const { files, sqlite } = machine;
  const place = placeOf(settings, context);
  const live = () => followPlace(place, files);
  const fingerprintOf = async (path: string) =>
    (await isDatabase(path, files)) ? schemaFingerprint(path, sqlite) : undefined;
  return {
    name,
    kind: settings.kind,
    paths: [place, ...companionsOf(place)],
    fingerprint: async () => fingerprintOf(await live()),
    async estimate() {
      const path = await live();
      let sizeBytes = 0;
      for (const each of [path, `${path}-wal`]) sizeBytes += (await files.status(each))?.sizeBytes ?? 0;
      return sizeBytes;
    },
    async dump(scratch) {
      return { entries: dumpEntries(await live(), scratch, context), notices: [] };
    },
    async prove(folder, fingerprint) {
      const copy = join(folder, COPY);
      if (await isDatabase(copy, files)) await assertIntact(copy, sqlite);
      assertSameStructure(name, await fingerprintOf(copy), fingerprint);
      return [];
    },
    async restore(folder, aside) {
      const copy = join(folder, COPY);
      const path = await live();
      const build = (to: string) => copyTree(copy, to, files, context.signal);
      const swap = { live: path, companions: companionsOf(path), aside };
      const isThere = (await files.status(copy)) !== undefined;
      await swapState(isThere ? { ...swap, build } : swap, files, context.signal);
      return [];
    },
    async verify(folder, fingerprint) {
      const path = await live();
      const copy = join(folder, COPY);
      for (const companion of companionsOf(path)) {
        if ((await files.status(companion)) !== undefined) {
          throw new OutsideError('state-differs', `${companion} lies beside the restored database and would change it`);
        }
      }
      const [restored, expected] = await Promise.all(
        [path, copy].map(async (each) =>
          (await files.status(each)) === undefined ? undefined : hashFile(each, files),
        ),
      );
      if (restored !== expected) {
        throw new OutsideError('state-differs', `${name} is not as it was backed up: ${path} has other content`);
      }
      assertSameStructure(name, await fingerprintOf(path), fingerprint);
    },
    async countWrites(folder) {
      const counted = await countRows(join(folder, COPY), await live(), machine);
      return { ...counted, unit: 'rows' };
    },
  };
}

async function* dumpEntries(
  path: string,
  scratch: string,
  { machine, signal }: SourceContext,
): AsyncGenerator<DumpEntry> {
  const { files, sqlite } = machine;
  const status = await files.status(path);
  if (status === undefined) return;
  const { uid, gid, modifiedMs } = status;
  yield { path: '', type: 'directory', mode: 0o700, uid, gid, modifiedMs, sizeBytes: 0 };
  const copy = join(scratch, 'database');
  await files.remove(copy);
  // A database that nothing was ever written to is an empty file, of which the engine makes no copy.
  if (await isDatabase(path, files)) await copyDatabase(path, copy, sqlite);
  else await copyTree(path, copy, files, signal);
  const sizeBytes = (await files.status(copy))?.sizeBytes ?? 0;
  const mode = status.mode & 0o777;
  yield { path: COPY, type: 'file', mode, uid, gid, modifiedMs, sizeBytes, open: async () => files.openRead(copy) };
  await files.remove(copy);
}
