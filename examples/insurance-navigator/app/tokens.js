import { createHmac, timingSafeEqual } from 'node:crypto';

const HEADER = encode({ alg: 'HS256', typ: 'JWT' });
const LIFETIME_SECONDS = 3600;

/** A JSON Web Token (HS256) that says who somebody is and in which role, valid for one hour. */
export function signToken({ name, role }, secret, nowMs = Date.now()) {
  const issuedAt = Math.floor(nowMs / 1000);
  const claims = encode({ sub: name, role, iat: issuedAt, exp: issuedAt + LIFETIME_SECONDS });
  return `${HEADER}.${claims}.${signatureOf(`${HEADER}.${claims}`, secret).toString('base64url')}`;
}

/** Who the token speaks of; undefined unless this secret signed it, with this algorithm, and it is still valid. */
export function verifyToken(token, secret, nowMs = Date.now()) {
  const [header, claims, signature, ...rest] = token.split('.');
  // Comparing the header as a whole leaves no room for "alg": "none" or another algorithm.
  if (header !== HEADER || claims === undefined || signature === undefined || rest.length > 0) return undefined;
  const expected = signatureOf(`${header}.${claims}`, secret);
  const actual = Buffer.from(signature, 'base64url');
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) return undefined;
  const { sub, role, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return nowMs / 1000 < exp ? { name: sub, role } : undefined;
}

function signatureOf(text, secret) {
  return createHmac('sha256', secret).update(text).digest();
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
