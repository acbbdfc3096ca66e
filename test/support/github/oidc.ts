import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** GitHub's issuer of tokens for jobs, with a key of its own. */
export interface Issuer {
  /** The answer of a path below the issuer's address; undefined where there is nothing. */
  read(path: string): unknown;
  /** A token with these claims beside those that every token has. `ageSeconds` makes one that was issued before now. */
  issue(claims: JWTPayload, audience: string, ageSeconds?: number): Promise<string>;
}

const ALGORITHM = 'RS256';
const KEY_ID = 'loopback';
/** As long as GitHub's own live. */
const LIFETIME_SECONDS = 300;

/** A new issuer; `address` is its name in each token; its well-known document is expected there. */
export async function createIssuer(address: () => string, now: () => Date): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM);
  const jwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: ALGORITHM, use: 'sig' };
  return {
    read(path) {
      if (path === '/.well-known/jwks') return { keys: [jwk] };
      if (path !== '/.well-known/openid-configuration') return undefined;
      return {
        issuer: address(),
        jwks_uri: `${address()}/.well-known/jwks`,
        subject_types_supported: ['public', 'pairwise'],
        response_types_supported: ['id_token'],
        id_token_signing_alg_values_supported: [ALGORITHM],
        scopes_supported: ['openid'],
      };
    },
    issue(claims, audience, ageSeconds = 0) {
      const issuedAt = Math.floor(now().getTime() / 1000) - ageSeconds;
      return new SignJWT({ ...claims, jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID, typ: 'JWT' })
        .setIssuer(address())
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt - LIFETIME_SECONDS)
        .setExpirationTime(issuedAt + LIFETIME_SECONDS)
        .sign(privateKey);
    },
  };
}
