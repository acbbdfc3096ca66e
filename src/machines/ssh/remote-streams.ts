import { Readable, Writable } from 'node:stream';
import type { Connection } from './connection.ts';
import { serverError } from './failures.ts';
import { quote } from './quote.ts';

/**
 * The content of a file, or the bytes from `start` to `end` of it (both included). Ends only when all has come: a
 * connection that breaks in the middle is an error. A small file comes with one question, a large one in a session.
 */
export function readRemote(
  connection: Connection,
  path: string,
  inlineBytes: number,
  range?: { start: number; end: number },
): Readable {
  const start = range?.start ?? 0;
  const count = range === undefined ? undefined : range.end - range.start + 1;
  const stop = new AbortController();
  let resume: (() => void) | undefined;
  let isStarted = false;

  const load = async (): Promise<void> => {
    const small = await readAtOnce(connection, path, inlineBytes, start, count);
    if (small !== undefined) {
      readable.push(small);
      readable.push(null);
      return;
    }
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        // Nobody takes what is left of a stream that was given up.
        if (readable.destroyed || readable.push(chunk)) done();
        else resume = done;
      },
    });
    const { status, stderr } = await connection.session(dd(path, start, count), { stdout, signal: stop.signal });
    if (status !== 0) throw serverError(connection.host, 'reading', path, stderr);
    readable.push(null);
  };
  const readable: Readable = new Readable({
    read() {
      const go = resume;
      resume = undefined;
      go?.();
      if (isStarted) return;
      isStarted = true;
      load().catch((error: unknown) => readable.destroy(error instanceof Error ? error : new Error(String(error))));
    },
    destroy(error, done) {
      stop.abort();
      resume?.();
      done(error);
    },
  });
  return readable;
}

function dd(path: string, start: number, count: number | undefined): string {
  const many = count === undefined || !Number.isFinite(count) ? '' : ` count=${count}`;
  return `dd if=${quote(path)} bs=128k iflag=fullblock,skip_bytes,count_bytes skip=${start}${many} status=none`;
}

/** Undefined when it is more than `inlineBytes`. */
async function readAtOnce(
  connection: Connection,
  path: string,
  inlineBytes: number,
  start: number,
  count: number | undefined,
): Promise<Buffer | undefined> {
  // Status 19: too large for one answer. Special files have no size and no end.
  const isSmall =
    count !== undefined && count <= inlineBytes
      ? `[ -f ${quote(path)} ]`
      : `[ -f ${quote(path)} ] && [ "$size" -le ${start + inlineBytes} ]`;
  const script = `size=$(stat -L -c %s -- ${quote(path)}) || exit; { ${isSmall}; } || exit 19; ${dd(path, start, count)}`;
  const answer = await connection.ask(script);
  if (answer.status === 0) return answer.stdout;
  if (answer.status === 19) return undefined;
  throw serverError(connection.host, 'reading', path, answer.stderr);
}

/**
 * A new file: fails with EEXIST when the path exists. What is small is sent with one question when it is complete, what
 * is large in a session while it comes. Finishes only when the server has written all of it.
 */
export function writeRemote(connection: Connection, path: string, mode: number, inlineBytes: number): Writable {
  const held: Buffer[] = [];
  let heldBytes = 0;
  let session: { input: Readable; ended: Promise<void>; wanted: (() => void) | undefined } | undefined;
  const stop = new AbortController();

  const begin = () => {
    const input: Readable = new Readable({
      read() {
        const go = session?.wanted;
        if (session !== undefined) session.wanted = undefined;
        go?.();
      },
    });
    const ended = sendFile(connection, path, mode, input, stop.signal);
    session = { input, ended, wanted: undefined };
    ended.catch((error: unknown) => writable.destroy(error instanceof Error ? error : new Error(String(error))));
    for (const chunk of held.splice(0)) input.push(chunk);
    return session;
  };
  const writable: Writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (session === undefined) {
        held.push(chunk);
        heldBytes += chunk.length;
        if (heldBytes > inlineBytes) begin();
        done();
      } else if (session.input.push(chunk)) done();
      else session.wanted = done;
    },
    final(done) {
      const finished = (error?: unknown) => done(error instanceof Error ? error : null);
      if (session === undefined) {
        sendAtOnce(connection, path, mode, Buffer.concat(held)).then(() => finished(), finished);
        return;
      }
      session.input.push(null);
      session.ended.then(() => finished(), finished);
    },
    destroy(error, done) {
      stop.abort();
      session?.input.destroy();
      done(error);
    },
  });
  return writable;
}

function ddInto(path: string, mode: number): string {
  const name = quote(path);
  return `umask 077; dd of=${name} conv=excl bs=128k iflag=fullblock status=none && chmod ${mode.toString(8).padStart(5, '0')} -- ${name}`;
}

async function sendAtOnce(connection: Connection, path: string, mode: number, content: Buffer): Promise<void> {
  const script = `printf %s '${content.toString('base64')}' | base64 -d | { ${ddInto(path, mode)}; }`;
  const { status, stderr } = await connection.ask(script);
  if (status !== 0) throw serverError(connection.host, 'writing', path, stderr);
}

/** Writes a new file in a session of its own. */
export async function sendFile(
  connection: Connection,
  path: string,
  mode: number,
  stdin: Readable,
  signal?: AbortSignal,
): Promise<void> {
  const { status, stderr } = await connection.session(ddInto(path, mode), { stdin, signal });
  if (status !== 0) throw serverError(connection.host, 'writing', path, stderr);
}
