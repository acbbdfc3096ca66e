import { inTransaction } from './database.js';
import { hashPassword } from './passwords.js';

const USERS = [
  { name: 'ada', role: 'customer' },
  { name: 'bela', role: 'customer' },
  { name: 'cleo', role: 'clerk' },
  { name: 'amin', role: 'admin' },
];

const POLICIES = [
  { id: 'p-ada-household', holder: 'ada', product: 'household', premiumCents: 48_000 },
  { id: 'p-ada-travel', holder: 'ada', product: 'travel', premiumCents: 9_900 },
  { id: 'p-bela-liability', holder: 'bela', product: 'liability', premiumCents: 12_500 },
];

/** Puts users and their first policies into a database that has no users yet; changes nothing in any other. */
export async function seed(database, password) {
  if (hasUsers(database)) return;
  const users = await Promise.all(USERS.map(async (user) => ({ ...user, hash: await hashPassword(password) })));
  inTransaction(database, () => {
    if (hasUsers(database)) return;
    const addUser = database.prepare('INSERT INTO users (name, role, password_hash) VALUES (?, ?, ?)');
    for (const { name, role, hash } of users) addUser.run(name, role, hash);
    const addPolicy = database.prepare(
      'INSERT INTO policies (id, holder, product, premium_cents, status, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    const now = new Date().toISOString();
    for (const { id, holder, product, premiumCents } of POLICIES) {
      addPolicy.run(id, holder, product, premiumCents, 'active', now);
    }
  });
}

function hasUsers(database) {
  return database.prepare('SELECT 1 FROM users LIMIT 1').get() !== undefined;
}
