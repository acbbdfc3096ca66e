import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Machine } from '../../src/machines/machine.ts';
import { filesSource } from '../../src/sources/files.ts';
import type { Source } from '../../src/sources/source.ts';
import { type LiveState, sourceContract } from '../contracts/source.ts';
import { changeDatabase, lookAtDatabase } from '../support/database.ts';
import { lookAtTree } from '../support/tree.ts';

sourceContract('a folder', async (root) => {
  const place = join(root, 'state');
  await mkdir(join(place, 'deep/er'), { recursive: true });
  await mkdir(join(place, '.empty'), { recursive: true });
  await writeFile(join(place, '.dot'), 'hidden');
  await writeFile(join(place, 'deep/er/file'), 'x'.repeat(3_000_000), { mode: 0o640 });
  await writeFile(join(place, `${'long-'.repeat(40)}name ü\n.txt`), 'odd', { mode: 0o755 });
  await symlink('../.dot', join(place, 'deep/link'));
  await utimes(join(place, '.dot'), 1_000_000, 1_000_000);
  return folderState(place);
});

sourceContract('a folder with databases', async (root) => {
  const place = join(root, 'state');
  const database = join(place, 'deep/app.db');
  await mkdir(dirname(database), { recursive: true });
  await writeFile(join(place, 'plain'), 'x');
  changeDatabase(
    database,
    "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')",
  );
  const look = async (at: string) => ({
    plain: (await lookAtTree(at))['plain'],
    database: lookAtDatabase(join(at, 'deep/app.db')),
  });
  return {
    ...folderState(place),
    look: () => look(place),
    write: async () => changeDatabase(database, "INSERT INTO t VALUES (2, 'y'); UPDATE t SET a = 'z' WHERE id = 1"),
    migrate: async () => changeDatabase(database, 'ALTER TABLE t ADD COLUMN b'),
    async isKept(aside, seen) {
      return JSON.stringify(await look(join(aside, 'state'))) === JSON.stringify(seen);
    },
  };
});

function folderState(place: string): LiveState {
  return {
    source: (machine) => connect(machine, place),
    look: () => lookAtTree(place),
    async write() {
      await writeFile(join(place, '.dot'), 'changed');
      await writeFile(join(place, 'new'), 'new');
      await rm(join(place, 'deep/er'), { recursive: true, force: true });
    },
    destroy: () => rm(place, { recursive: true, force: true }),
    async isKept(aside, seen) {
      return JSON.stringify(await lookAtTree(join(aside, 'state'))) === JSON.stringify(seen);
    },
    canBeAbsent: true,
  };
}

function connect(machine: Machine, place: string, exclude: string[] = []): Source {
  return filesSource.connect(
    { kind: 'files', path: place, exclude },
    {
      name: 'uploads',
      machine,
      root: '/nowhere',
      sharedOf: () => '/nowhere',
      directory: '/',
      signal: new AbortController().signal,
    },
  );
}
