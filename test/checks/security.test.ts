import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { planChecks } from '../../src/checks/catalogue.ts';
import { runChecks } from '../../src/checks/run.ts';
import { holdsSecret } from '../../src/checks/secrets.ts';
import { findStackTrace } from '../../src/checks/stack-trace.ts';
import { anObserved, aServer } from './observed.ts';

const SECRETS = { DATABASE_URL: 'postgres://shop:tr0ub4dor&3x@db/shop' };

async function securityOf(
  listener: RequestListener,
  secretValues: Record<string, string> = SECRETS,
): Promise<string[]> {
  const observed = await anObserved({ port: await aServer(listener), health: { path: '/health' }, secretValues });
  const checks = planChecks(observed).filter(({ layer, id }) => layer === 'security' || id === 'health:api');
  const findings = await runChecks(checks, undefined, observed);
  return findings
    .filter(({ layer }) => layer === 'security')
    .map((one) => `${one.outcome} ${one.check}: ${one.message}`);
}

describe('security without configuration', () => {
  it('passes a service that refuses what it does not know', async () => {
    expect(
      await securityOf((request, response) => {
        response.writeHead(request.url === '/health' ? 200 : 404, { 'content-type': 'application/json' });
        response.end('{"error":"there is nothing here"}');
      }),
    ).toEqual([
      'pass no-secret-in-answers:api: none of 28 answers of api holds the value of a secret',
      'pass no-stack-trace:api: api refuses strange requests without telling how it is built',
      'pass no-path-traversal:api: api gives no file from outside of its folder',
    ]);
  });

  it('finds a secret in whichever answer it stands, and names it without its value', async () => {
    const findings = await securityOf((request, response) => {
      if (request.url === '/health') response.end(JSON.stringify({ database: SECRETS.DATABASE_URL }));
      else response.writeHead(404).end();
    });

    expect(findings[0]).toBe(
      'fail no-secret-in-answers:api: the answer of api to GET /health holds the value of the secret DATABASE_URL',
    );
  });

  it('does not claim to have looked for secrets where there are none', async () => {
    const [finding] = await securityOf((_, response) => response.writeHead(404).end(), {});

    expect(finding).toMatch(/^skipped no-secret-in-answers:api/);
  });

  it('finds a stack trace in the answer to malformed JSON', async () => {
    const findings = await securityOf((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        try {
          if (body !== '') JSON.parse(body);
          response.writeHead(404).end();
        } catch (error) {
          response.writeHead(400).end(error instanceof Error ? error.stack : '');
        }
      });
    });

    expect(findings[1]).toBe(
      'fail no-stack-trace:api: the answer of api to a malformed request shows a stack trace of JavaScript',
    );
  });

  it('finds an error of the server, but lets it say that it does not do such things', async () => {
    const broken = await securityOf((_, response) => response.writeHead(500).end());
    const plain = await securityOf((request, response) =>
      response.writeHead(request.headers['content-length'] === undefined ? 404 : 501).end(),
    );

    expect(broken[1]).toBe(
      'fail no-stack-trace:api: api answers 500 to an unknown path instead of a status between 400 and 499',
    );
    expect(plain[1]).toMatch(/^pass/);
  });

  it('finds a service that decodes a path after it was checked', async () => {
    const findings = await securityOf((request, response) => {
      const path = normalize(join('/srv/app/public', decodeURIComponent(request.url ?? '/')));
      readFile(path).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      );
    });

    expect(findings[2]).toBe(
      'fail no-path-traversal:api: api gives a file from outside of its folder to GET /..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
    );
  });

  it('posts nothing: a service that dies of what is posted to it is not killed', async () => {
    const methods = new Set<string | undefined>();
    await securityOf((request, response) => {
      methods.add(request.method);
      response.writeHead(404).end();
    });

    expect([...methods]).toEqual(['GET']);
  });

  it('does not know when nothing answers', async () => {
    const findings = await securityOf((request) => request.socket.destroy());

    expect(findings.map((text) => text.split(' ')[0])).toEqual(['unknown', 'unknown', 'unknown']);
  });
});

describe('holdsSecret', () => {
  it.each([
    { name: 'the value', text: `x ${SECRETS.DATABASE_URL} y`, expected: 'DATABASE_URL' },
    { name: 'the password in a URL', text: 'password tr0ub4dor&3x', expected: 'DATABASE_URL' },
    { name: 'the value encoded for a URL', text: encodeURIComponent(SECRETS.DATABASE_URL), expected: 'DATABASE_URL' },
    { name: 'base64', text: Buffer.from(SECRETS.DATABASE_URL).toString('base64'), expected: 'DATABASE_URL' },
    { name: 'another text', text: 'postgres://shop@db/shop', expected: undefined },
  ])('sees $name', ({ text, expected }) => {
    expect(holdsSecret(text, SECRETS)).toBe(expected);
  });

  it('does not look for values as short as words', () => {
    expect(holdsSecret('an admin page', { USER: 'admin' })).toBeUndefined();
  });
});

describe('findStackTrace', () => {
  it.each([
    { body: 'Error: x\n    at Object.<anonymous> (/srv/a.js:1:2)\n', expected: 'a stack trace of JavaScript' },
    { body: '{"stack":"Error: x\\n    at run (file:///srv/a.js:1:2)\\n"}', expected: 'a stack trace of JavaScript' },
    { body: 'Traceback (most recent call last):', expected: 'a stack trace of Python' },
    { body: 'at com.shop.Api.get(Api.java:12)', expected: 'a stack trace of Java' },
    { body: 'panic: x\n\ngoroutine 1 [running]:', expected: 'a stack trace of Go' },
    { body: 'cannot load /opt/shop/lib/db.py', expected: 'the path of a source file' },
    { body: 'ENOENT /data/shop/releases/r-1/x', expected: 'a path of the folder that it runs in' },
    { body: 'there is nothing at /holdfast/12:30', expected: undefined },
    { body: '<script src="/home/main.js"></script>', expected: undefined },
    { body: '<html>Cannot GET /app/login</html>', expected: undefined },
  ])('reads $body', ({ body, expected }) => {
    expect(findStackTrace(body, '/data/shop')).toBe(expected);
  });
});
