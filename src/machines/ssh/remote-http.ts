import type { Http, HttpSession } from '../../platform/http.ts';
import type { Connection } from './connection.ts';
import { codedError } from './failures.ts';

/**
 * Requests that start on the server: each address gets one socket in our private folder, which ssh carries there over the
 * control connection. It stays until the connection ends.
 */
export function remoteHttp(connection: Connection, http: Http, isListening: (port: number) => Promise<boolean>): Http {
  const forwards = createForwards(connection);
  return {
    openSession: (): HttpSession => http.openSession(),
    async request(request, signal) {
      const url = new URL(request.url);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
      const socketPath = await forwards(host, port);
      try {
        return await http.request({ ...request, headers: { host: url.host, ...request.headers }, socketPath }, signal);
      } catch (error) {
        // ssh takes the connection before it knows whether anybody answers there, so a refusal looks like a hang-up.
        if (!isHangUp(error) || !isLoopback(host) || (await isListening(port))) throw error;
        throw codedError(connection.host, 'ECONNREFUSED', 'asking', request.url);
      }
    },
  };
}

function createForwards(connection: Connection): (host: string, port: number) => Promise<string> {
  // Per connection: when it was lost and opened again, its forwards are gone.
  const known = new WeakMap<object, Map<string, Promise<string>>>();
  let counter = 0;
  return async (host, port) => {
    const link = await connection.link();
    const paths = known.get(link) ?? new Map<string, Promise<string>>();
    known.set(link, paths);
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const open = async (): Promise<string> => {
      counter += 1;
      const path = await connection.socketPath(`f${counter}`);
      const { status, stderr } = await link.control('forward', ['-L', `${path}:${address}`]);
      if (status !== 0) throw new Error(`no way to ${address} on ${connection.host} could be opened: ${stderr.trim()}`);
      return path;
    };
    let path = paths.get(address);
    if (path === undefined) {
      path = open();
      paths.set(address, path);
      path.catch(() => paths.delete(address));
    }
    return path;
  };
}

function isHangUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
