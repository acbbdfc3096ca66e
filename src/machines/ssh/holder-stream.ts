import { Duplex, PassThrough, Writable } from 'node:stream';
import { OutsideError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { quote } from './quote.ts';

type Ending = 'closed' | 'nobody-listens' | 'no-node';

/** A stream to a local socket of the server, and how it ended. */
export interface RemoteSocket {
  readonly stream: Duplex;
  /** Never rejects: what went wrong is told by the stream. */
  readonly ended: Promise<Ending>;
}

/**
 * Opens a local socket of the server through its Node, in a session of its own, which ends with the stream. Tries for
 * `waitMs`. A connection that breaks destroys the stream with `connection-lost`.
 */
export function openRemoteSocket(connection: Connection, path: string, waitMs: number): RemoteSocket {
  const toServer = new PassThrough();
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      toServer.write(chunk);
      done();
    },
    destroy(error, done) {
      toServer.end();
      done(error);
    },
  });
  const fromServer = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!stream.destroyed) stream.push(chunk);
      done();
    },
  });
  const script = `command -v node >/dev/null || exit ${NO_NODE}; exec node -e ${quote(RELAY)} ${quote(path)} ${waitMs}`;
  const ended = connection.session(script, { stdin: toServer, stdout: fromServer }).then<Ending, Ending>(
    ({ status, stderr }) => {
      const how = ENDINGS[status];
      const failure = () => new OutsideError('holder-unreachable', `node on ${connection.host} failed: ${stderr}`);
      stream.destroy(how === undefined ? failure() : undefined);
      return how ?? 'closed';
    },
    (error: Error) => {
      stream.destroy(error);
      return 'closed';
    },
  );
  return { stream, ended };
}

const NOBODY = 20;
const NO_NODE = 21;
const ENDINGS: Readonly<Record<number, Ending>> = { 0: 'closed', [NOBODY]: 'nobody-listens', [NO_NODE]: 'no-node' };

/** Carries bytes between its own input and output and a local socket, whose path may be longer than the kernel takes. */
const RELAY = `
const fs = require('node:fs'), net = require('node:net'), { basename, dirname } = require('node:path');
const [path, waitMs] = process.argv.slice(1);
const isShort = Buffer.byteLength(path) < 104;
const short = isShort ? path : '/proc/self/fd/' + fs.openSync(dirname(path), 'r') + '/' + basename(path);
const deadline = Date.now() + Number(waitMs);
const connect = () => {
  const socket = net.createConnection(short);
  socket.once('connect', () => {
    socket.removeListener('error', again);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => process.stdin.destroy());
    process.stdin.on('end', () => socket.destroy());
    process.stdin.pipe(socket).pipe(process.stdout);
  });
  socket.once('error', again);
};
const again = () => (Date.now() < deadline ? setTimeout(connect, 20) : process.exit(${NOBODY}));
connect();
`;
