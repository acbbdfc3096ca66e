import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { identityOf } from '../../src/authorize/identity.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { issuerOf, systemOidc } from '../../src/platform/oidc.ts';

interface Issuer {
  readonly url: string;
  readonly key: CryptoKey;
  close(): void;
}

/** An issuer on this computer, with a key of its own. */
async function anIssuer(
  change: (document: { issuer: string; jwks_uri: string }) => object = (same) => same,
): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const server = createServer((request, response) => {
    const url = `http://${request.headers.host}`;
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify(change({ issuer: url, jwks_uri: `${url}/.well-known/jwks` })));
    } else if (request.url === '/.well-known/jwks') response.end(JSON.stringify({ keys: [jwk] }));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, key: privateKey, close: () => server.close() };
}

const AUDIENCE = 'holdfast';
const now = Math.floor(Date.now() / 1000);

let issuer: Issuer;
let other: Issuer;

beforeAll(async () => {
  issuer = await anIssuer();
  other = await anIssuer();
});
afterAll(() => {
  issuer.close();
  other.close();
});

/** A token as GitHub signs it; the test states only what matters. */
function aToken(
  claims: Readonly<Record<string, unknown>> = {},
  key: CryptoKey = issuer.key,
  alg = 'RS256',
): Promise<string> {
  const good = {
    iss: issuer.url,
    aud: AUDIENCE,
    iat: now,
    nbf: now,
    exp: now + 300,
    actor_id: '1234',
    repository_id: '77',
  };
  return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg, kid: 'one' }).sign(key);
}

/** Header and claims without a signature. */
function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', kid: 'one' })}.${part(claims)}.`;
}

const verify = (token: string) =>
  systemOidc(systemHttp(), new AbortController().signal).verify(token, { issuer: issuer.url, audience: AUDIENCE });

describe('verifying a token', () => {
  it('gives the claims of a good one, and who asks', async () => {
    const claims = await verify(await aToken({ actor: 'alice', environment: 'production', run_attempt: '2' }));

    expect(identityOf(claims, { repositoryId: '77' })).toMatchObject({
      actor: 'user:1234',
      login: 'alice',
      environment: 'production',
      attempt: 2,
    });
  });

  it('allows for clocks that differ by seconds', async () => {
    await expect(verify(await aToken({ nbf: now + 10, exp: now + 300 }))).resolves.toMatchObject({ actor_id: '1234' });
  });

  it.each([
    { name: 'of another audience', token: () => aToken({ aud: 'somebody-else' }), message: /"aud"/ },
    { name: 'of another issuer', token: () => aToken({ iss: other.url }), message: /"iss"/ },
    { name: 'that has expired', token: () => aToken({ exp: now - 120 }), message: /"exp"/ },
    { name: 'that is not valid yet', token: () => aToken({ nbf: now + 120 }), message: /"nbf"/ },
    { name: 'without an end', token: () => aToken({ exp: undefined }), message: /"exp"/ },
    { name: 'without a beginning', token: () => aToken({ nbf: undefined }), message: /"nbf"/ },
    { name: 'signed by another key', token: () => aToken({}, other.key), message: /signature/ },
    {
      name: 'without a signature',
      token: async () => unsigned({ iss: issuer.url, aud: AUDIENCE, nbf: now, exp: now + 300 }),
      message: /alg/,
    },
    {
      name: 'signed with a shared secret',
      token: async () =>
        new SignJWT({ iss: issuer.url, aud: AUDIENCE, iat: now, nbf: now, exp: now + 300 })
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .sign(new TextEncoder().encode('x'.repeat(32))),
      message: /alg/,
    },
    {
      name: 'whose claims were changed after it was signed',
      token: async () => {
        const [head, , signature] = (await aToken()).split('.');
        const [, claims] = (await aToken({ actor_id: '1' })).split('.');
        return `${head}.${claims}.${signature}`;
      },
      message: /signature/,
    },
    { name: 'that is none', token: async () => 'not.a.token', message: /proves nothing/ },
  ])('refuses one $name', async ({ token, message }) => {
    await expect(verify(await token())).rejects.toMatchObject({
      name: 'UserError',
      code: 'identity-not-proven',
      message: expect.stringMatching(message),
    });
  });

  it('is impossible where the issuer is not there, or is not who it should be', async () => {
    const liar = await anIssuer((document) => ({ ...document, issuer: 'https://token.example.org' }));
    const ask = (url: string, token: string) =>
      systemOidc(systemHttp(), new AbortController().signal).verify(token, { issuer: url, audience: AUDIENCE });

    const token = await aToken();
    const failures = await Promise.allSettled([ask(liar.url, token), ask(`${issuer.url}/elsewhere`, token)]);
    liar.close();

    for (const failure of failures) expect(failure).toMatchObject({ reason: { code: 'issuer-unreachable' } });
  });
});

describe('the issuer of a server', () => {
  it.each([
    { server: 'https://github.com', issuer: 'https://token.actions.githubusercontent.com' },
    { server: 'https://octo.ghe.com', issuer: 'https://token.actions.octo.ghe.com' },
    { server: 'https://github.example.org', issuer: 'https://github.example.org/_services/token' },
    { server: 'http://127.0.0.1:8080', issuer: 'http://127.0.0.1:8080/_services/token' },
  ])('of $server is $issuer', ({ server, issuer: expected }) => {
    expect(issuerOf(server)).toBe(expected);
  });

  it('is none where anybody on the way could answer', () => {
    expect(() => issuerOf('http://github.example.org')).toThrow('not reached over https');
    expect(() => issuerOf('http://127.0.0.1.example.org')).toThrow('not reached over https');
  });
});
