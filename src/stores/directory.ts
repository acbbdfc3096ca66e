import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorCode, OutsideError, UserError } from '../core/errors.ts';
import type { Kind } from '../core/kind.ts';
import type { Machine } from '../machines/machine.ts';
import { namingFullDisk } from './disk.ts';
import { DirectoryStore } from './settings.ts';
import { assertStorable, type Store, type StoredObject } from './store.ts';

export interface StoreContext {
  readonly machine: Pick<Machine, 'files' | 'now'>;
  /** The root folder of the environment. */
  readonly root: string;
}

/** What an unfinished write is called. Stored names never begin with a dot, so a listing can tell them apart. */
const UNFINISHED = '.unfinished-';
/** No write takes this long; what is older was left by a writer that was killed. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000;
/** Backups hold what the live state holds: nobody else may read them. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** A folder of the machine, one file per object. */
export const directoryStore: Kind<typeof DirectoryStore, StoreContext, Store> = {
  settings: DirectoryStore,
  connect(settings, { machine, root }) {
    const folder =
      settings.path === undefined
        ? join(root, '.holdfast', 'store')
        : isAbsolute(settings.path)
          ? settings.path
          : join(root, settings.path);
    return storeIn(folder, machine);
  },
};

let writes = 0;

function storeIn(folder: string, machine: Pick<Machine, 'files' | 'now'>): Store {
  const { files } = machine;
  const pathOf = (name: string) => {
    assertStorable(name);
    return join(folder, name);
  };
  return {
    place: folder,
    async put(name, content) {
      const path = pathOf(name);
      const taken = () => new UserError('already-stored', `${name} is stored in ${folder} already`);
      writes += 1;
      const write = writes;
      // It may fail before anything reads it; its error comes out of the pipeline below.
      content.on('error', () => {});
      let unfinished: string | undefined;
      try {
        await files.makeDirectory(folder, FOLDER_MODE);
        if ((await files.status(path)) !== undefined) throw taken();
        await removeLeftovers(folder, machine);
        unfinished = join(folder, `${UNFINISHED}${await machine.now()}-${write}-${name}`);
        const target = unfinished;
        await namingFullDisk(folder, undefined, () => writeDurably(content, target, files), files);
        const sizeBytes = (await files.status(unfinished))?.sizeBytes ?? 0;
        await files.renameNew(unfinished, path);
        return { name, sizeBytes };
      } catch (error) {
        content.destroy();
        if (unfinished !== undefined) await files.remove(unfinished);
        throw errorCode(error) === 'EEXIST' ? taken() : error;
      }
    },
    async open(name) {
      const path = pathOf(name);
      if ((await files.status(path))?.type !== 'file') {
        throw new OutsideError('not-stored', `there is no ${name} in ${folder}`);
      }
      return files.openRead(path);
    },
    async list(prefix) {
      const objects: StoredObject[] = [];
      for (const name of await files.list(folder)) {
        if (name.startsWith('.') || !name.startsWith(prefix)) continue;
        const found = await files.status(join(folder, name));
        if (found?.type === 'file') objects.push({ name, sizeBytes: found.sizeBytes });
      }
      return objects;
    },
    async remove(name) {
      await files.remove(pathOf(name));
    },
    async freeBytes() {
      await files.makeDirectory(folder, FOLDER_MODE);
      return files.freeBytes(folder);
    },
  };
}

async function writeDurably(
  content: Parameters<Store['put']>[1],
  path: string,
  files: Machine['files'],
): Promise<void> {
  await pipeline(content, files.openWrite(path, FILE_MODE));
  await files.sync(path);
}

async function removeLeftovers(folder: string, { files, now }: Pick<Machine, 'files' | 'now'>): Promise<void> {
  for (const name of await files.list(folder)) {
    if (!name.startsWith(UNFINISHED)) continue;
    const found = await files.status(join(folder, name));
    if (found !== undefined && found.modifiedMs < (await now()) - LEFTOVER_MS) await files.remove(join(folder, name));
  }
}
