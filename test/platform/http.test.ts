import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { systemHttp } from '../../src/platform/http.ts';
import { aServer } from '../checks/observed.ts';

const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;

const ask = (port: number, more: { readBytes?: number; timeoutMs?: number } = {}, signal = NEVER) =>
  systemHttp().request({ url: `http://127.0.0.1:${port}/`, timeoutMs: 5000, ...more }, signal);

describe('an answer that is read as far as a number of bytes', () => {
  it('is whole when it is shorter', async () => {
    const port = await aServer((_, response) => response.writeHead(404, { 'x-a': 'b' }).end('no_service'));

    const answer = await ask(port, { readBytes: 16 });

    expect(answer).toMatchObject({ status: 404, body: 'no_service' });
    expect(answer.headers['x-a']).toBe('b');
  });

  it('is cut when it is longer, and the rest is neither read nor waited for', async () => {
    const gone = Promise.withResolvers<void>();
    const port = await aServer((_, response) => {
      response.on('close', gone.resolve);
      // It never ends.
      response.writeHead(500).write('a'.repeat(64 * MIB));
    });

    const answer = await ask(port, { readBytes: 1000 });

    expect(answer).toMatchObject({ status: 500, body: 'a'.repeat(1000) });
    await gone.promise;
  });

  it('is counted after it was unpacked', async () => {
    const packed = gzipSync('a'.repeat(8 * MIB));
    const port = await aServer((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed));

    expect((await ask(port, { readBytes: 1000 })).body).toBe('a'.repeat(1000));
  });

  it('is none when it is not there in time, or breaks off', async () => {
    const silent = await aServer((_, response) => void response.writeHead(200).write('o'));
    const broken = await aServer((request, response) => {
      response.writeHead(200, { 'content-length': '2' }).write('o', () => request.socket.destroy());
    });

    await expect(ask(silent, { readBytes: 1000, timeoutMs: 200 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await expect(ask(broken, { readBytes: 1000 })).rejects.toMatchObject({ name: 'TransportError' });
  });

  it('ends when the run ends', async () => {
    const run = new AbortController();
    const port = await aServer((_, response) => {
      response.writeHead(200).write('o', () => run.abort());
    });

    await expect(ask(port, { readBytes: 1000 }, run.signal)).rejects.toMatchObject({ name: 'TransportError' });
  });
});

describe('an answer', () => {
  it('of more than four MiB is none', async () => {
    const port = await aServer((_, response) => response.writeHead(200).end('a'.repeat(5 * MIB)));

    await expect(ask(port)).rejects.toMatchObject({ name: 'TransportError' });
  });
});
