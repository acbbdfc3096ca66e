import { randomUUID } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { errorCode } from '../core/errors.ts';

export type EntryType = 'file' | 'directory' | 'link' | 'other';

export interface Status {
  readonly type: EntryType;
  readonly sizeBytes: number;
  /** Permission bits only, for example 0o644. */
  readonly mode: number;
  readonly modifiedMs: number;
  readonly uid: number;
  readonly gid: number;
  readonly inode: number;
}

/** The file system of this computer. Paths are absolute. */
export interface Files {
  /** Undefined when there is none. Links are not followed. */
  status(path: string): Promise<Status | undefined>;
  /** Undefined when there is none. */
  read(path: string): Promise<Buffer | undefined>;
  /** Atomic and durable: a temporary file beside it, fsync, rename, fsync of the folder. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Exclusive create, durable. False when the file is there already. */
  create(path: string, content: string, mode?: number): Promise<boolean>;
  /** Appends and fsyncs. */
  append(path: string, text: string, mode?: number): Promise<void>;
  /** Names in the folder, sorted; empty when there is no folder. */
  list(path: string): Promise<string[]>;
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Removes a file or a whole folder; no error when there is none. */
  remove(path: string): Promise<void>;
  /** rename(2), then fsync of the folder that now holds it. */
  rename(from: string, to: string): Promise<void>;
  /** Like `rename`, for a file, and never over another: fails with EEXIST when `to` is there. */
  renameNew(from: string, to: string): Promise<void>;
  readLink(path: string): Promise<string | undefined>;
  /** Creates a link; fails with EEXIST when the path exists. */
  link(target: string, path: string): Promise<void>;
  realPath(path: string): Promise<string>;
  setMode(path: string, mode: number): Promise<void>;
  /** Of the entry itself, links not followed. Fails with EPERM for an ordinary user. */
  setOwner(path: string, uid: number, gid: number): Promise<void>;
  setModified(path: string, modifiedMs: number): Promise<void>;
  openRead(path: string, range?: { start: number; end: number }): Readable;
  /** Exclusive: fails with EEXIST. Not durable until `sync`. */
  openWrite(path: string, mode?: number): Writable;
  /**
   * Unpacks a tar stream into an existing folder, with modes, without owners, and flushes it; fails with EEXIST when a
   * file of it is there. For machines where one call for each file would take long; others do without. The caller
   * vouches for the paths in it.
   */
  unpack?(archive: Readable, into: string): Promise<void>;
  /** The content of a file, as a new file: fails with EEXIST. Not durable until `sync`. */
  copy(from: string, to: string): Promise<void>;
  sync(path: string): Promise<void>;
  truncate(path: string, sizeBytes: number): Promise<void>;
  /** Free bytes for an ordinary user on the disk that holds this existing path. */
  freeBytes(path: string): Promise<number>;
  /**
   * Keeps a log that is being appended to below a limit: its content moves to `<path>.1` (older ones to `.2` …), and the
   * file that the writer holds open is emptied. Lines written in that moment may be lost.
   */
  rotate(path: string, limits?: { maxBytes: number; keep: number }): Promise<void>;
  /** A fresh private folder for temporary files. */
  makeTemporary(prefix: string): Promise<string>;
}

export function systemFiles(temporaryRoot: string): Files {
  const files: Files = {
    async status(path) {
      const found = await orUndefined(fs.lstat(path));
      if (found === undefined) return undefined;
      const type = found.isFile()
        ? 'file'
        : found.isDirectory()
          ? 'directory'
          : found.isSymbolicLink()
            ? 'link'
            : 'other';
      return {
        type,
        sizeBytes: found.size,
        mode: found.mode & 0o7777,
        modifiedMs: found.mtimeMs,
        uid: found.uid,
        gid: found.gid,
        inode: found.ino,
      };
    },
    read: (path) => orUndefined(fs.readFile(path)),
    async write(path, content, mode = 0o644) {
      const temporary = temporaryBeside(path);
      try {
        await writeNew(temporary, content, mode);
        await fs.rename(temporary, path);
      } catch (error) {
        await fs.rm(temporary, { force: true });
        throw error;
      }
      await files.sync(dirname(path));
    },
    async create(path, content, mode = 0o644) {
      // Written aside and linked into place: a reader never sees a half-written file, and link(2) refuses a second owner.
      const temporary = temporaryBeside(path);
      try {
        await writeNew(temporary, content, mode);
        await fs.link(temporary, path);
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return false;
        throw error;
      } finally {
        await fs.rm(temporary, { force: true });
      }
      await files.sync(dirname(path));
      return true;
    },
    async append(path, text, mode = 0o644) {
      const file = await fs.open(path, 'a', mode);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
    },
    async list(path) {
      const names = await orUndefined(fs.readdir(path));
      return (names ?? []).sort();
    },
    async makeDirectory(path, mode = 0o755) {
      await fs.mkdir(path, { recursive: true, mode });
    },
    async remove(path) {
      await fs.rm(path, { recursive: true, force: true });
    },
    async rename(from, to) {
      await fs.rename(from, to);
      await files.sync(dirname(to));
    },
    async renameNew(from, to) {
      // link(2) is the one call that puts a complete file in place and refuses to replace another.
      await fs.link(from, to);
      await fs.rm(from);
      await files.sync(dirname(to));
    },
    readLink: (path) => orUndefined(fs.readlink(path)),
    link: (target, path) => fs.symlink(target, path),
    realPath: (path) => fs.realpath(path),
    setMode: (path, mode) => fs.chmod(path, mode),
    setOwner: (path, uid, gid) => fs.lchown(path, uid, gid),
    setModified: (path, modifiedMs) => fs.utimes(path, modifiedMs / 1000, modifiedMs / 1000),
    openRead: (path, range) => createReadStream(path, range),
    openWrite: (path, mode = 0o644) => createWriteStream(path, { flags: 'wx', mode }),
    copy: (from, to) => fs.copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
    async sync(path) {
      const file = await fs.open(path, 'r');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    },
    truncate: (path, sizeBytes) => fs.truncate(path, sizeBytes),
    async freeBytes(path) {
      const disk = await fs.statfs(path);
      return disk.bavail * disk.bsize;
    },
    async rotate(path, { maxBytes, keep } = { maxBytes: 10 * 1024 * 1024, keep: 5 }) {
      const found = await files.status(path);
      if (found === undefined || found.sizeBytes <= maxBytes) return;
      for (let number = keep - 1; number >= 1; number -= 1) {
        await fs.rename(`${path}.${number}`, `${path}.${number + 1}`).catch((error: unknown) => {
          if (errorCode(error) !== 'ENOENT') throw error;
        });
      }
      await fs.copyFile(path, `${path}.1`);
      await fs.truncate(path, 0);
    },
    makeTemporary: (prefix) => fs.mkdtemp(join(temporaryRoot, prefix)),
  };
  return files;
}

/** Of chance: in containers that share a disk, many processes have the same number, and one that was killed left its file. */
function temporaryBeside(path: string): string {
  return join(dirname(path), `.${randomUUID()}.tmp`);
}

async function writeNew(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const file = await fs.open(path, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
