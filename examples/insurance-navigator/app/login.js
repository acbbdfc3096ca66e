import { refuse } from './answers.js';
import { hashPassword, matchesPassword } from './passwords.js';
import { parseObject } from './request-body.js';
import { signToken } from './tokens.js';

/** `POST /login {user, password}` gives a token with the user's role. */
export function loginRoutes({ database, settings }) {
  // An unknown user costs as much time as a wrong password, so that answers do not tell who exists.
  const decoy = hashPassword('nobody has this password');
  async function login({ body }) {
    const { user: name, password } = parseObject(body) ?? {};
    if (typeof name !== 'string' || typeof password !== 'string') return refuse(400, 'user and password, please');
    const user = database.prepare('SELECT name, role, password_hash FROM users WHERE name = ?').get(name);
    const matches = await matchesPassword(password, user?.password_hash ?? (await decoy));
    if (user === undefined || !matches) return refuse(401, 'user or password is wrong');
    return { status: 200, json: { token: signToken(user, settings.jwtSecret), role: user.role } };
  }
  return [{ method: 'POST', path: '/login', open: true, run: login }];
}
