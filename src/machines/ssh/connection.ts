import { Readable, type Writable } from 'node:stream';
import type { Outcome } from '../../platform/processes.ts';
import { connectionLost, sessionRefused } from './failures.ts';
import { type Link, type LinkPlatform, openLink } from './link.ts';
import type { SshConnection } from './settings.ts';
import type { Answer } from './shell.ts';
import { createSlots, NoRoom } from './slots.ts';
import { START, scriptHeader } from './start.ts';

/** A host over ssh: connected when first needed, connected again after it was lost. */
export interface Connection {
  readonly host: string;
  readonly platform: LinkPlatform;
  /** Runs a short script in the kept shell, one at a time. Not repeated when the connection breaks: it may have run. */
  ask(script: string): Promise<Answer>;
  /** Runs a script in a session of its own, side by side with others; `input` is its standard input. */
  session(script: string, options?: SessionOptions): Promise<SessionEnd>;
  /** The living connection. Throws when there is none and none comes about. */
  link(): Promise<Link>;
  /** A name in the private folder of this computer, for a socket. */
  socketPath(name: string): Promise<string>;
  /** Ends the connection, and with it whatever still runs over it. Calling twice is safe. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly stdin?: Readable | undefined;
  readonly stdout?: Writable | undefined;
  /** Lines of standard error (and of collected standard output). */
  readonly onLine?: ((line: string) => void) | undefined;
  /** What the script says about itself with the function `tell`. */
  readonly onTold?: ((words: readonly string[]) => void) | undefined;
  /** Ends the session here; whatever runs on the server is not asked. */
  readonly signal?: AbortSignal | undefined;
}

export interface SessionEnd extends Pick<Outcome, 'stdout' | 'stderr'> {
  readonly status: number;
}

/** sshd lets ten sessions into one connection unless told otherwise; one is the kept shell, one is left for a terminal. */
const MAX_SESSIONS = 8;
const FOREVER_MS = 2_147_483_647;
/** A socket's path has 108 bytes, of which ssh takes 17 for a temporary name of its own. */
const MAX_FOLDER_BYTES = 80;

/** A function of the shell: says words about a script, behind `$mark`. */
export const TELL = `tell() { printf '%s\\n' "$mark $*" >&2; }`;

/** The connection to one host. Nothing happens before the first question. */
export function openConnection(settings: SshConnection, platform: LinkPlatform): Connection {
  const { host } = settings;
  const slots = createSlots(MAX_SESSIONS, (refused) => sessionRefused(host, refused.message));
  let folder: Promise<string> | undefined;
  let current: Promise<Link> | undefined;
  let isClosed = false;

  const link = async (): Promise<Link> => {
    if (isClosed) throw connectionLost(host, 'it was closed');
    if (current !== undefined) {
      const known = await current;
      if (!known.isOver()) return known;
    }
    folder ??= privateFolder(platform);
    const opening = folder.then((path) => openLink(settings, path, platform));
    current = opening;
    opening.catch(() => {
      if (current === opening) current = undefined;
    });
    return opening;
  };
  // Callers that come while a lost connection is being opened again share the new one.
  let linking: Promise<Link> | undefined;
  const sharedLink = (): Promise<Link> => {
    linking ??= link().finally(() => {
      linking = undefined;
    });
    return linking;
  };

  return {
    host,
    platform,
    link: sharedLink,
    ask: async (script) => (await sharedLink()).shell.ask(script),
    session: (script, options = {}) =>
      slots(async () => runSession(host, await sharedLink(), script, options, platform)),
    async socketPath(name) {
      folder ??= privateFolder(platform);
      return `${await folder}/${name}`;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      const open = await current?.catch(() => undefined);
      open?.shell.end();
      await open?.shell.ended;
      if (folder !== undefined) await platform.files.remove(await folder);
    },
  };
}

/**
 * The script's status travels behind a mark on standard error: ssh's own 255 says that the connection broke, and a
 * command may end with 255 too.
 */
async function runSession(
  host: string,
  link: Link,
  script: string,
  { stdin, stdout, onLine, onTold, signal }: SessionOptions,
  { processes, random, clock }: LinkPlatform,
): Promise<SessionEnd> {
  const mark = `holdfast-${random.hex(16)}`;
  const whole = `mark=${mark}\n${TELL}\ntell begin\n(\n${script}\n)\ntell end $?`;
  let status: number | undefined;
  let begin: (hasBegun: boolean) => void = () => {};
  const hasBegun = new Promise<boolean>((resolve) => {
    begin = resolve;
  });
  const takeLine = (line: string): void => {
    const at = line.indexOf(mark);
    if (at === -1) {
      if (NO_SESSION.test(line)) begin(false);
      onLine?.(line);
      return;
    }
    if (at > 0) onLine?.(line.slice(0, at));
    const words = line.slice(at + mark.length + 1).split(' ');
    if (words[0] === 'begin') begin(true);
    else if (words[0] === 'end') status = Number(words[1]);
    else onTold?.(words);
  };
  void link.shell.ended.then(() => begin(false));
  signal?.addEventListener('abort', () => begin(false));
  const outcome = await processes.run(
    link.over(START),
    {
      timeoutMs: FOREVER_MS,
      stdin: Readable.from(inputOf(whole, stdin, hasBegun), { objectMode: false }),
      ...(stdout === undefined ? {} : { stdout }),
      onLine: takeLine,
    },
    signal ?? new AbortController().signal,
  );
  const stderr = withoutMarks(outcome.stderr, mark);
  if (status !== undefined) return { status, stdout: outcome.stdout, stderr };
  if (REFUSED.test(stderr)) throw new NoRoom(stderr.trim());
  // The next question must find out too that this connection is over.
  const waited = new AbortController();
  await Promise.race([link.shell.ended, clock.sleep(NOTICE_MS, waited.signal).catch(() => {})]);
  waited.abort();
  throw connectionLost(host, stderr);
}

/** What ssh says when the server has sessions enough. */
const REFUSED = /refused by peer/;
/** What it says when there is no session, and the input will not be asked for. */
const NO_SESSION = /refused by peer|^kex_exchange_identification|^Connection closed by/;
/** A session that broke and a connection that ended are noticed by two processes; this long apart at most. */
const NOTICE_MS = 1000;

/** The input of a session is touched only once the session is there: one that was refused can be tried again. */
async function* inputOf(
  script: string,
  stdin: Readable | undefined,
  hasBegun: Promise<boolean>,
): AsyncGenerator<Buffer> {
  yield scriptHeader(script);
  if (stdin !== undefined && (await hasBegun)) yield* stdin;
}

function withoutMarks(text: string, mark: string): string {
  return text.includes(mark) ? text.replaceAll(new RegExp(`${mark} .*\\n?`, 'g'), '') : text;
}

async function privateFolder({ files, random }: LinkPlatform): Promise<string> {
  const folder = await files.makeTemporary('holdfast-ssh-');
  if (Buffer.byteLength(folder) <= MAX_FOLDER_BYTES) return folder;
  // A socket does not fit below it. The name is chance, so that nobody can have made the folder before.
  await files.remove(folder);
  const short = `/tmp/holdfast-ssh-${random.hex(8)}`;
  await files.makeDirectory(short, 0o700);
  return short;
}
