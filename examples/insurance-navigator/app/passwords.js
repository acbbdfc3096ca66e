import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(scrypt);

// Small on purpose: a sample shares two cores with everything else. A real service takes 2 ** 17.
const COST = 2 ** 12;
const KEY_BYTES = 32;

/** `scrypt$cost$salt$key`, salt and key in base64url; another salt each time. */
export async function hashPassword(password) {
  const salt = randomBytes(16);
  const key = await derive(password, salt, KEY_BYTES, { N: COST });
  return ['scrypt', COST, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** True when the password is the one of this hash; takes as long when it is not. */
export async function matchesPassword(password, hash) {
  const [, cost, salt, key] = hash.split('$');
  const expected = Buffer.from(key, 'base64url');
  const actual = await derive(password, Buffer.from(salt, 'base64url'), expected.length, { N: Number(cost) });
  return timingSafeEqual(actual, expected);
}
