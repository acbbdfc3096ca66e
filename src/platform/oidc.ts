import { setTimeout as sleep } from 'node:timers/promises';
import type { JWK } from 'jose';
import { errorMessage, OutsideError, UserError } from '../core/errors.ts';
import { parseJson, readJsonPath } from '../core/json-path.ts';
import type { Http } from './http.ts';

/** Tokens by which an issuer (GitHub) says who runs a job. */
export interface Oidc {
  /**
   * A token of this job for `audience`; undefined where the job may not have one (`id-token: write` is missing).
   * Rejects with OutsideError `issuer-unreachable`.
   */
  token(audience: string): Promise<string | undefined>;
  /**
   * The claims of a token whose signature, issuer, audience and times are right; asks the issuer for its keys.
   * Rejects with UserError `identity-not-proven`, or OutsideError `issuer-unreachable`.
   */
  verify(token: string, expected: { readonly issuer: string; readonly audience: string }): Promise<Claims>;
}

export type Claims = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 3;
/** Clocks of runner and issuer differ by this much at most. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** Asks the runner for tokens and the issuer, over `http`, for its keys. */
export function systemOidc(http: Pick<Http, 'request'>, signal: AbortSignal): Oidc {
  const read = (url: string) => readDocument(url, http, signal);
  return {
    async token(audience) {
      if ((process.env['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '') === '') return undefined;
      const { getIDToken } = await import('@actions/core');
      try {
        // It retries by itself, and has the runner mask what it answers.
        return await getIDToken(audience);
      } catch (error) {
        throw new OutsideError('issuer-unreachable', `GitHub gave no token: ${errorMessage(error)}`, { cause: error });
      }
    },
    async verify(token, { issuer, audience }) {
      const document = await read(`${issuer}/.well-known/openid-configuration`);
      const keysUrl = readJsonPath(document, '$.jwks_uri');
      if (readJsonPath(document, '$.issuer') !== issuer || typeof keysUrl !== 'string') {
        throw new OutsideError('issuer-unreachable', `${issuer} does not say that it is one`);
      }
      const keys = await read(keysUrl);
      const { createLocalJWKSet, jwtVerify } = await import('jose');
      try {
        const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: keysOf(keys) }), {
          issuer,
          audience,
          // What GitHub signs with. Leaving it to the token would let the token choose.
          algorithms: ['RS256'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          requiredClaims: ['exp', 'nbf', 'iat'],
        });
        return payload;
      } catch (error) {
        throw new UserError('identity-not-proven', `the token of this job proves nothing: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    },
  };
}

/**
 * The issuer of a GitHub: `https://github.com`, a tenant of `ghe.com`, or a server of one's own.
 * Throws UserError `identity-not-proven` for an address whose answers anybody on the way could write.
 */
export function issuerOf(serverUrl: string): string {
  const { protocol, hostname, origin } = new URL(serverUrl);
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
  if (protocol !== 'https:' && !isLoopback) {
    throw new UserError('identity-not-proven', `${origin} is not reached over https: its keys prove nothing`);
  }
  if (hostname === 'github.com') return 'https://token.actions.githubusercontent.com';
  if (hostname.endsWith('.ghe.com')) return `https://token.actions.${hostname}`;
  return `${origin}/_services/token`;
}

/** The keys of a key set; none where it is something else, which no signature then fits. */
function keysOf(set: unknown): JWK[] {
  const keys = readJsonPath(set, '$.keys');
  return Array.isArray(keys) ? keys.filter((key) => typeof readJsonPath(key, '$.kty') === 'string') : [];
}

async function readDocument(url: string, http: Pick<Http, 'request'>, signal: AbortSignal): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { status, body } = await http.request({ url, timeoutMs: TIMEOUT_MS }, signal);
      if (status === 200) return parseJson(body);
      throw new Error(`answered ${status}`);
    } catch (error) {
      if (signal.aborted || attempt === ATTEMPTS) {
        throw new OutsideError('issuer-unreachable', `${url} cannot be read: ${errorMessage(error)}`, { cause: error });
      }
      await sleep(200 * attempt);
    }
  }
}
