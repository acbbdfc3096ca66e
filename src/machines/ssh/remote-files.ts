import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { Files } from '../../platform/files.ts';
import type { Connection } from './connection.ts';
import { codedError, serverError, systemCode } from './failures.ts';
import { quote } from './quote.ts';
import { parseStatus, STATUS_FORMAT } from './remote-status.ts';
import { readRemote, sendFile, writeRemote } from './remote-streams.ts';
import type { Answer } from './shell.ts';

/** Content up to this size travels inside of a script; more takes a session of its own. */
const INLINE_BYTES = 256 * 1024;

/** The files of the server, by its own sh and coreutils: one question each. */
export function remoteFiles(connection: Connection): Files {
  const { host, platform } = connection;
  /** Runs a script that must end with 0. */
  const must = async (doing: string, path: string, script: string): Promise<Answer> => {
    const answer = await connection.ask(script);
    if (answer.status !== 0) throw serverError(host, doing, path, answer.stderr);
    return answer;
  };
  /** The same, undefined when there is no such file. */
  const mayLack = async (doing: string, path: string, script: string): Promise<Answer | undefined> => {
    const answer = await connection.ask(script);
    if (answer.status === 0) return answer;
    const code = systemCode(answer.stderr);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw serverError(host, doing, path, answer.stderr);
  };
  /** A name beside `path` that nobody else uses. */
  const beside = (path: string) => join(dirname(path), `.${platform.random.hex(8)}.tmp`);
  /** Commands that leave `content`, durable and with its mode, in the new file `temporary`. */
  const putAside = async (temporary: string, content: string | Uint8Array, mode: number): Promise<string> => {
    const bytes = Buffer.from(content);
    const place = quote(temporary);
    const finish = `chmod ${octal(mode)} -- ${place} && sync -- ${place}`;
    if (bytes.length <= INLINE_BYTES) return `${pour(bytes, temporary, 'excl')} && ${finish}`;
    await sendFile(connection, temporary, 0o600, Readable.from([bytes]));
    return finish;
  };

  const files: Files = {
    async status(path) {
      const answer = await mayLack('looking at', path, `stat -c ${quote(STATUS_FORMAT)} -- ${quote(path)}`);
      return answer && parseStatus(answer.stdout.toString());
    },
    read: async (path) => (await mayLack('reading', path, `cat -- ${quote(path)}`))?.stdout,
    async write(path, content, mode = 0o644) {
      const temporary = beside(path);
      const aside = await putAside(temporary, content, mode);
      const place = `${aside} && mv -fT -- ${quote(temporary)} ${quote(path)} && ${syncFolder(path)}`;
      await must('writing', path, `umask 077; { ${place}; } || ${undo(temporary)}`);
    },
    async create(path, content, mode = 0o644) {
      const temporary = beside(path);
      const aside = await putAside(temporary, content, mode);
      // Status 17: the name was taken.
      const place = `{ said=$(ln -T -- ${quote(temporary)} ${quote(path)} 2>&1) || case "$said" in *': File exists') rm -f -- ${quote(temporary)}; exit 17;; *) printf '%s\\n' "$said" >&2; false;; esac; }`;
      const script = `umask 077; { ${aside} && ${place} && rm -f -- ${quote(temporary)} && ${syncFolder(path)}; } || ${undo(temporary)}`;
      const answer = await connection.ask(script);
      if (answer.status === 17) return false;
      if (answer.status !== 0) throw serverError(host, 'creating', path, answer.stderr);
      return true;
    },
    async append(path, text, mode = 0o644) {
      await must('appending to', path, `umask ${mask(mode)}; ${pour(Buffer.from(text), path, 'append')}`);
    },
    async list(path) {
      const folder = quote(path);
      // The shell finds the names; `ls` goes first because only it says why a folder cannot be read.
      const script = `ls -A -- ${folder}/ >/dev/null && cd -P -- ${folder} && for name in * .[!.]* ..?*; do if [ -e "$name" ] || [ -L "$name" ]; then printf '%s\\0' "$name"; fi; done`;
      const answer = await mayLack('listing', path, script);
      return answer === undefined ? [] : splitNames(answer.stdout, path, host).sort();
    },
    async makeDirectory(path, mode = 0o755) {
      await must('making the folder', path, `umask ${mask(mode)}; mkdir -p -- ${quote(path)}`);
    },
    async remove(path) {
      await must('removing', path, `rm -rf -- ${quote(path)}`);
    },
    async rename(from, to) {
      // `mv` would copy from disk to disk, which is neither atomic nor what was asked for.
      const script = `a=$(stat -c %d -- ${quote(from)}) && b=$(stat -c %d -- ${quote(dirname(to))}) || exit 1
if [ "$a" != "$b" ]; then exit 18; fi
mv -fT -- ${quote(from)} ${quote(to)} && ${syncFolder(to)}`;
      const answer = await connection.ask(script);
      if (answer.status === 18) throw codedError(host, 'EXDEV', 'renaming', from);
      if (answer.status !== 0) throw serverError(host, 'renaming', from, answer.stderr);
    },
    async renameNew(from, to) {
      const script = `ln -T -- ${quote(from)} ${quote(to)} && rm -f -- ${quote(from)} && ${syncFolder(to)}`;
      await must('renaming', from, script);
    },
    async readLink(path) {
      return (await mayLack('reading the link', path, `readlink -nv -- ${quote(path)}`))?.stdout.toString();
    },
    async link(target, path) {
      await must('making the link', path, `ln -sT -- ${quote(target)} ${quote(path)}`);
    },
    async realPath(path) {
      return (await must('resolving', path, `realpath -ez -- ${quote(path)}`)).stdout.toString().replace(/\0$/, '');
    },
    async setMode(path, mode) {
      await must('changing the mode of', path, `chmod ${octal(mode)} -- ${quote(path)}`);
    },
    async setOwner(path, uid, gid) {
      await must('changing the owner of', path, `chown -h ${uid}:${gid} -- ${quote(path)}`);
    },
    async setModified(path, modifiedMs) {
      const seconds = (modifiedMs / 1000).toFixed(6);
      await must('changing the time of', path, `${exists(path)} && touch -c -d @${seconds} -- ${quote(path)}`);
    },
    openRead: (path, range) => readRemote(connection, path, INLINE_BYTES, range),
    openWrite: (path, mode = 0o644) => writeRemote(connection, path, mode, INLINE_BYTES),
    async unpack(archive, into) {
      const folder = quote(into);
      const script = `tar -xpkm --no-same-owner -f - -C ${folder} && sync -f -- ${folder}`;
      const { status, stderr } = await connection.session(script, { stdin: archive });
      if (status !== 0) throw serverError(host, 'unpacking into', into, stderr);
    },
    async copy(from, to) {
      const [source, place] = [quote(from), quote(to)];
      const fill = `cp --reflink=auto -T -- ${source} ${place} && chmod --reference=${source} -- ${place}`;
      await must(
        'copying',
        from,
        `${exists(from)} && ${pour(Buffer.alloc(0), to, 'excl')} && { ${fill} || ${undo(to)}; }`,
      );
    },
    async sync(path) {
      await must('flushing', path, `sync -- ${quote(path)}`);
    },
    async truncate(path, sizeBytes) {
      await must('cutting', path, `${exists(path)} && truncate -c -s ${sizeBytes} -- ${quote(path)}`);
    },
    async freeBytes(path) {
      const { stdout } = await must('measuring', path, `stat -f -c '%a %S' -- ${quote(path)}`);
      const [blocks, size] = stdout.toString().trim().split(' ').map(Number);
      return (blocks ?? 0) * (size ?? 0);
    },
    async rotate(path, { maxBytes, keep } = { maxBytes: 10 * 1024 * 1024, keep: 5 }) {
      const older = Array.from({ length: keep - 1 }, (_, index) => keep - 1 - index).map(
        (number) => `[ ! -e "$log.${number}" ] || mv -fT -- "$log.${number}" "$log.${number + 1}" || exit`,
      );
      const script = `log=${quote(path)}
[ -e "$log" ] || exit 0
size=$(stat -c %s -- "$log") || exit
[ "$size" -gt ${maxBytes} ] || exit 0
${older.join('\n')}
cp -T -- "$log" "$log.1" && truncate -c -s 0 -- "$log"`;
      await must('rotating', path, script);
    },
    async makeTemporary(prefix) {
      const { stdout } = await must('making', prefix, `mktemp -d -- "\${TMPDIR:-/tmp}/"${quote(`${prefix}XXXXXX`)}`);
      return stdout.toString().replace(/\n$/, '');
    },
  };
  return files;
}

/** Writes bytes into a file with dd, whose messages carry the system's reason, and flushes it. */
function pour(bytes: Uint8Array, path: string, how: 'append' | 'excl'): string {
  const flags = how === 'append' ? 'oflag=append conv=notrunc,fsync' : 'conv=excl,fsync';
  const content = Buffer.from(bytes).toString('base64');
  return `printf %s '${content}' | base64 -d | dd of=${quote(path)} ${flags} iflag=fullblock bs=1M status=none`;
}

/** Removes what was begun and keeps the status of what failed. */
function undo(path: string): string {
  return `{ failed=$?; rm -f -- ${quote(path)}; exit "$failed"; }`;
}

function syncFolder(path: string): string {
  return `sync -- ${quote(dirname(path))}`;
}

function exists(path: string): string {
  return `stat -L -- ${quote(path)} >/dev/null`;
}

/** Five digits: with fewer, chmod keeps the special bits of a folder. */
function octal(mode: number): string {
  return mode.toString(8).padStart(5, '0');
}

function mask(mode: number): string {
  return (~mode & 0o777).toString(8).padStart(3, '0');
}

/** Names that each end in a zero byte. A name that is not Unicode cannot be spoken of, and is an error. */
function splitNames(bytes: Buffer, folder: string, host: string): string[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw codedError(host, 'EILSEQ', 'listing, because a name in it is not Unicode,', folder);
  }
  return text.split('\0').slice(0, -1);
}
