import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { connectGithub } from '../../src/platform/github.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A GitHub of one route on this computer; `count` is how often it has been asked. */
async function github(answer: Answer) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.setHeader('content-type', 'application/json');
    answer(request, response, asked.length);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  open.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const access = { token: 'the-token', repository: 'acme/shop', apiUrl: `http://127.0.0.1:${port}` };
  return { asked, client: connectGithub(access, new AbortController().signal) };
}

const json =
  (body: unknown, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status).end(JSON.stringify(body));
  };

describe('asking GitHub', () => {
  it('reads the default branch, with the token', async () => {
    const { client, asked } = await github(json({ default_branch: 'trunk' }));

    expect(await client.defaultBranch()).toBe('trunk');
    expect(asked).toEqual(['GET /repos/acme/shop token the-token']);
  });

  it('reads the head of a branch and whether it is protected', async () => {
    const { client, asked } = await github(json({ name: 'trunk', protected: true, commit: { sha: 'abc' } }));

    expect(await client.branch('trunk')).toEqual({ commit: 'abc', isProtected: true });
    expect(asked[0]).toContain('GET /repos/acme/shop/branches/trunk ');
  });

  it('reads a file to the byte', async () => {
    const bytes = Buffer.from('ä: "\u0000"\r\n');
    const content = { type: 'file', encoding: 'base64', content: bytes.toString('base64').replace(/(.{4})/g, '$1\n') };
    const { client, asked } = await github(json(content));

    expect(await client.readFile('ops/holdfast.yml', 'abc')).toEqual(bytes);
    expect(decodeURIComponent(asked[0] ?? '')).toContain('GET /repos/acme/shop/contents/ops/holdfast.yml?ref=abc ');
  });

  it('knows a file and a branch that are not there', async () => {
    const { client } = await github(json({ message: 'Not Found' }, 404));

    expect(await client.readFile('holdfast.yml', 'abc')).toBeUndefined();
    expect(await client.branch('gone')).toBeUndefined();
  });

  it('asks again when GitHub is busy or breaks off', async () => {
    const { client, asked } = await github((request, response, count) => {
      if (count === 1) response.writeHead(502).end('{}');
      else if (count === 2) request.socket.destroy();
      else response.end(JSON.stringify({ default_branch: 'main' }));
    });

    expect(await client.defaultBranch()).toBe('main');
    expect(asked).toHaveLength(3);
  });

  it.each([
    { name: 'a folder', body: [], status: 200, code: 'github-unreachable', times: 1 },
    {
      name: 'a file that is too big',
      body: { type: 'file', encoding: 'none', content: '' },
      status: 200,
      code: 'github-unreachable',
      times: 1,
    },
    {
      name: 'a token without the right',
      body: { message: 'Resource not accessible' },
      status: 403,
      code: 'github-refused',
      times: 1,
    },
    {
      name: 'too many questions',
      body: { message: 'API rate limit exceeded' },
      status: 403,
      code: 'github-unreachable',
      times: 3,
    },
    { name: 'a broken GitHub', body: {}, status: 500, code: 'github-unreachable', times: 3 },
  ])('tells of $name', async ({ body, status, code, times }) => {
    const { client, asked } = await github(json(body, status));

    await expect(client.readFile('holdfast.yml', 'abc')).rejects.toMatchObject({ code });
    expect(asked).toHaveLength(times);
  });

  it('does not take a repository that is not there for one without a default branch', async () => {
    const { client } = await github(json({ message: 'Not Found' }, 404));

    await expect(client.defaultBranch()).rejects.toMatchObject({ code: 'github-refused' });
  });
});
