import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';

const NEVER = new AbortController().signal;

export function machineHttpContract(
  name: string,
  make: () => Promise<Machine>,
  end: (machine: Machine) => Promise<void>,
): void {
  describe(`${name} keeps the promises of a machine: requests`, () => {
    let machine: Machine;
    const servers: Server[] = [];
    beforeAll(async () => {
      machine = await make();
    });
    afterAll(() => end(machine));
    afterEach(async () => {
      for (const server of servers.splice(0)) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });

    /** Answers with what it was asked. */
    const aServer = async (): Promise<{ url: string; connections: () => number }> => {
      let connections = 0;
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        request.on('end', () => {
          if (request.url === '/silent') return;
          response.writeHead(request.url === '/teapot' ? 418 : 200, { 'set-cookie': ['a=1', 'b=2'] });
          response.end(JSON.stringify([request.method, request.url, request.headers.host, body]));
        });
      });
      server.on('connection', () => {
        connections += 1;
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      return { url: `http://127.0.0.1:${port}`, connections: () => connections };
    };

    it('asks a service on its loopback address', async () => {
      const { url } = await aServer();

      const answer = await machine.http.request(
        { url: `${url}/a?b=c`, method: 'POST', body: 'hi', timeoutMs: 5000 },
        NEVER,
      );
      const other = await machine.http.request({ url: `${url}/teapot`, timeoutMs: 5000 }, NEVER);

      expect(JSON.parse(answer.body)).toEqual(['POST', '/a?b=c', url.slice('http://'.length), 'hi']);
      expect(answer.headers['set-cookie']).toBe('a=1\nb=2');
      expect(other.status).toBe(418);
    });

    it('keeps one connection in a session, and opens one for each request without', async () => {
      const { url, connections } = await aServer();
      const session = machine.http.openSession();

      for (let count = 0; count < 3; count += 1) {
        await machine.http.request({ url, timeoutMs: 5000, session }, NEVER);
      }
      expect(connections()).toBe(1);
      session.close();
      for (let count = 0; count < 2; count += 1) await machine.http.request({ url, timeoutMs: 5000 }, NEVER);
      expect(connections()).toBe(3);
    });

    it('tells a refused connection from one that never answers', async () => {
      const { url } = await aServer();
      await expect(machine.http.request({ url: `${url}/silent`, timeoutMs: 400 }, NEVER)).rejects.toMatchObject({
        code: 'ETIMEDOUT',
      });

      const [server] = servers.splice(0);
      server?.closeAllConnections();
      await new Promise((resolve) => server?.close(resolve));

      await expect(machine.http.request({ url, timeoutMs: 5000 }, NEVER)).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
    });
  });
}
